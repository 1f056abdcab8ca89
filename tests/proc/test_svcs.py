# SPDX-License-Identifier: BSD-2-Clause
"""svcs and svcadm against a scripted svc.zones: texts, widths, exit statuses."""

import json
import os
import re
import time

import kz
from fake_svc import FakeSvc, brief, error, instance

INSTANCES = [
    instance("web", "offline", auxiliary="dependency_unsatisfied",
             reason="waiting for svc:/system/zones/zone:db (maintenance)"),
    instance("db", "maintenance", time_ms=1165000000000, auxiliary="boot_failed",
             reason="boot failed: kernel /k: No such file or directory"),
    instance("mail", "online", contract=1),
    instance("off", "disabled", enabled=False, reason="disabled", auxiliary="disabled"),
    instance("rest", "disabled", enabled=False, temporary=True, reason="disabled by an operator",
             auxiliary="disabled_by_operator"),
    instance("boot", "offline", next_state="online", reason="the machine is being started",
             auxiliary="starting"),
    instance("front", "offline", auxiliary="dependency_unsatisfied",
             reason="waiting for svc:/system/zones/zone:web (offline)"),
]
DEPENDENCIES = {
    "web": '[{"name": "db", "fmri": "svc:/system/zones/zone:db"}, '
           '{"name": "db", "fmri": "svc:/system/zones/zone:mail"}, '
           '{"fmri": "svc:/system/zones/zone:off", "grouping": "optional_all"}]',
    "front": '[{"fmri": "svc:/system/zones/zone:web"}, '
             '{"fmri": "svc:/host/systemd/unit:nfs-server.service"}, '
             '{"name": "any", "fmri": "svc:/system/zones/zone:off", '
             '"grouping": "require_any"}, {"name": "any", "fmri": "svc:/system/zones/zone:mail"}, '
             '{"fmri": "svc:/system/zones/zone:gone", "grouping": "exclude_all"}]',
    "boot": '[{"name": "x", "fmri": "svc:/system/zones/zone:off"}]',
}


# Where a reason is not one of waiting.
STATES = dict({word: "maintenance" for word in (
    "unknown", "administrative_request", "boot_failed", "storage_unavailable",
    "dependency_cycle",
    "fault_threshold_reached", "restarting_too_quickly", "guest_panicked", "goals_timeout")},
    **{word: "disabled" for word in ("disabled", "disabled_by_operator", "guest_poweroff",
                                     "machine_halted", "shutdown_timeout")},
    **{word: "online" for word in ("none", "waiting_for_dependents",
                                   "waiting_for_slot_to_stop", "shutting_down", "halting")},
    not_examined="uninitialized", degraded_by_administrator="degraded")


def run(t, program, *args, instances=None, dependencies=None, besides=None, **more):
    for zone, deps in (dependencies or DEPENDENCIES).items():
        t.write("etc/zones/%s.json" % zone, '{"version": 1, "smf-dependency": %s}'
                % (deps if isinstance(deps, str) else json.dumps(deps)))
    with FakeSvc(t) as svc:
        svc.instances = INSTANCES if instances is None else instances
        svc.more = besides or {}
        result = t.run(program, *args, TZ="UTC", **more)
        result.calls = svc.calls
    os.unlink(t.path("run/zones/svc.zones.sock"))
    return result


@kz.test
def default_table(t):
    kz.golden("svcs/default", run(t, "svcs").stdout)


@kz.test
def all_without_header(t):
    kz.golden("svcs/aH", run(t, "svcs", "-aH").stdout)


@kz.test
def verbose_has_the_next_state_in_place_of_the_star(t):
    kz.golden("svcs/v", run(t, "svcs", "-v").stdout)


@kz.test
def columns_are_chosen(t):
    kz.golden("svcs/o", run(t, "svcs", "-a", "-o",
                            "zone,inst,sta,nsta,s,n,sn,svc,scope,desc,CTID").stdout)
    kz.has(run(t, "svcs", "-o", "stale", status=2).stderr, "unknown column 'stale'")
    kz.has(run(t, "svcs", "-o", "", status=2).stderr, "unknown column")


@kz.test
def recent_times_are_of_the_day(t):
    text = run(t, "svcs", "-H", "-o", "stime",
               instances=[instance("web", time_ms=int(time.time() * 1000))]).stdout
    kz.eq(bool(re.fullmatch(r"\d\d:\d\d:\d\d \n", text)), True, text)


@kz.test
def words_choose_instances(t):
    def named(*words, status=0):
        return run(t, "svcs", "-H", "-o", "inst", *words, status=status).stdout.split()

    kz.eq(named("db"), ["db"])
    kz.eq(named("zone:db", "svc:/system/zones/zone:web"), ["web", "db"])
    kz.eq(named("svc://localhost/system/zones/zone:db"), ["db"])
    kz.eq(named("off"), ["off"])
    kz.eq(named("*zone:*b*"), ["boot", "web", "db"])
    kz.eq(len(named("system/zones/zone")), 7)
    kz.eq(len(named("zone")), 7)
    kz.eq(named("nope", status=1), [])
    kz.eq(run(t, "svcs", "nope", status=1).stderr,
          "svcs: Pattern 'nope' doesn't match any instances\n")


@kz.test
def a_restarter_chooses_all_or_none(t):
    kz.eq(len(run(t, "svcs", "-aH", "-R", "svc:/system/zones:default").stdout.split("\n")), 8)
    kz.eq(run(t, "svcs", "-aH", "-R", "svc:/network/inetd").stdout, "")


@kz.test
def processes_are_listed(t):
    text = run(t, "svcs", "-pH", "mail",
               instances=[instance("mail", contract=os.getpid())]).stdout.split("\n")[1]
    kz.eq(bool(re.fullmatch(r" {15}(\d\d:\d\d:\d\d|\w{3}_\d\d)  *%d .+" % os.getpid(), text)),
          True, text)


@kz.test
def lengthy(t):
    text = run(t, "svcs", "-l", "web", "mail", "rest").stdout
    kz.golden("svcs/l", text.replace(t.root, "ROOT"))


@kz.test
def lengthy_with_devices(t):
    devices = {"guest_errors": 2, "disks": 3, "disks_read_only": 1, "disks_page_cache": 2,
               "disk_engine": "pread", "disk_errors": 7}
    disks = instance("mail", contract=1)
    disks["devices"] = devices
    text = run(t, "svcs", "-l", "mail", instances=[disks]).stdout
    kz.has(text, "contract_id  1\n"
                 "disks        3 by pread, 1 read-only, 2 through the page cache\n"
                 "disk_errors  7\n"
                 "guest_errors 2\n")
    devices.update(disks_read_only=0, disks_page_cache=0, disk_engine="io_uring")
    text = run(t, "svcs", "-l", "mail", instances=[disks]).stdout
    kz.has(text, "disks        3 by io_uring\n")
    devices.update(disks=0, disk_engine=None, disk_errors=0, guest_errors=0)
    text = run(t, "svcs", "-l", "mail", instances=[disks]).stdout
    kz.eq("disk" in text or "guest" in text, False, text)


@kz.test
def lengthy_with_zone_and_processes(t):
    text = run(t, "svcs", "-lp", "-z", "mail",
               instances=[instance("mail", contract=os.getpid())]).stdout
    with open("/proc/self/comm") as f:
        comm = f.read().strip()
    kz.golden("svcs/lpz", text.replace(t.root, "ROOT").replace(
        "process      %8d %s" % (os.getpid(), comm), "process           PID COMMAND").replace(
        "contract_id  %d" % os.getpid(), "contract_id  PID"))


@kz.test
def dependencies_and_dependents(t):
    kz.golden("svcs/d", run(t, "svcs", "-d", "front").stdout)
    kz.golden("svcs/D", run(t, "svcs", "-D", "web", "off").stdout)
    kz.eq(run(t, "svcs", "-DH", "-o", "inst", "unit:nfs-server.service").stdout.split(),
          ["front"])
    kz.eq(run(t, "svcs", "-dH", "mail").stdout, "")
    kz.eq(run(t, "svcs", "-D", "nope", status=1).stderr,
          "svcs: Pattern 'nope' doesn't match any instances\n")


RESTARTER = {"fmri": "svc:/system/zones:default", "state": "online", "enabled": True,
             "state_time_ms": 1166032581000, "contract": 1}


@kz.test
def brief_instances_make_the_same_table(t):
    r = run(t, "svcs", "-a", "-o", "state,nstate,stime,ctid,zone,fmri")
    kz.eq(r.calls, [("Instances", {"brief": True})])
    kz.eq(run(t, "svcs", "-a", "-o", "state,nstate,stime,ctid,zone,fmri",
              instances=[brief(i) for i in INSTANCES]).stdout, r.stdout)
    kz.eq(run(t, "svcs", "-x").calls, [("Instances", {})])
    kz.has(run(t, "svcs", "-l", "mail", instances=[brief(i) for i in INSTANCES],
                    status=1).stderr, "an instance lacks something")


@kz.test
def the_restarter_itself_is_listed(t):
    def names(*args, **more):
        return run(t, "svcs", "-H", "-o", "fmri", *args, instances=[instance("mail")],
                   besides={"restarter": RESTARTER}, **more).stdout.split()

    own, mail = "svc:/system/zones:default", "svc:/system/zones/zone:mail"
    kz.eq(names(), [mail, own])
    kz.eq(names("zones"), [own])
    kz.eq(names("-R", own), [mail])
    kz.eq(names("-z", "mail"), [mail])
    r = run(t, "svcs", "-l", "system/zones:default", besides={"restarter": RESTARTER})
    kz.golden("svcs/lrestarter", r.stdout)
    r = run(t, "svcs", "-x", "system/zones:default", besides={"restarter": RESTARTER})
    kz.golden("svcs/xrestarter", r.stdout)
    kz.eq(run(t, "svcs", "-x", instances=[instance("mail")],
              besides={"restarter": RESTARTER}).stdout, "")


@kz.test
def units_of_the_host_have_their_states(t):
    unit = "svc:/host/systemd/unit:nfs-server.service"
    for state in ("unknown", "absent", "disabled", "offline", "online", "maintenance"):
        more = {"besides": {"units": {unit: state}}}
        kz.has(run(t, "svcs", "-l", "front", **more).stdout, " %s (%s)\n" % (unit, state))
        kz.eq(run(t, "svcs", "-dH", "-o", "state,fmri", "front", **more)
              .stdout.count("%-14s %s" % (state, unit)), 1)
        blocked = run(t, "svcs", "-xv", "only", instances=[instance("only", "offline")],
                      dependencies={"only": [{"fmri": unit}]}, **more).stdout
        kz.eq(unit in blocked, state != "online", blocked)


@kz.test
def lines_are_sorted(t):
    def names(*args):
        return run(t, "svcs", "-aH", "-o", "inst", *args).stdout.split()

    kz.eq(names("-s", "fmri"), sorted(names()))
    kz.eq(names("-S", "INST"), sorted(names(), reverse=True))
    kz.eq(names("-s", "stime")[0], "db")
    kz.eq(names("-S", "ctid")[0], "mail")
    kz.eq(names("-s", "state", "-S", "inst"),
          ["rest", "off", "mail", "web", "front", "boot", "db"])
    kz.eq(names("-s", "nstate", "-s", "inst")[0], "boot")
    kz.has(run(t, "svcs", "-s", "age", status=2).stderr, "unknown column 'age'")
    kz.has(run(t, "svcs", "-s", "inst,state", status=2).stderr, "one column")
    kz.has(run(t, "svcs", *["-sinst"] * 33, status=2).stderr, "too many options -- s")


@kz.test
def a_zone_chooses_its_instance(t):
    kz.eq(run(t, "svcs", "-H", "-o", "inst", "-z", "off").stdout.split(), ["off"])
    kz.eq(run(t, "svcs", "-H", "-z", "off", "db").stdout, "")
    kz.eq(run(t, "svcs", "-z", "nope", status=1).stderr,
          "svcs: zone 'nope' has no instance: it is not installed\n")
    kz.golden("svcs/xz", run(t, "svcs", "-x", "-z", "db").stdout.replace(t.root, "ROOT"))


@kz.test
def every_reason_has_text_log_and_next_step(t):
    with open(os.path.join(kz.SOURCE, "common/proto/reason.h")) as f:
        words = re.findall(r'X\([A-Z_]+, "([a-z_]+)"', f.read())
    kz.eq(len(words) > 25, True)
    blocks = []
    for word in words:
        state = STATES.get(word, "offline")
        out = run(t, "svcs", "-x", "web", instances=[
            instance("web", state, auxiliary=word, enabled=state != "disabled",
                     reason="" if word == "none" else "the words for " + word),
            instance("db", "online" if word == "dependency_excluded" else "maintenance")],
            dependencies={"web": [{"fmri": "svc:/system/zones/zone:db", "grouping":
                                   "exclude_all" if word == "dependency_excluded"
                                   else "require_all"}]}).stdout
        for part in ("Reason: ", "   See: ROOT/var/log/zones/messages.web",
                     "Impact: ") + (("  Next: ",) if word != "none" else ()):
            kz.has(out.replace(t.root, "ROOT"), part, word)
        kz.eq("%" in out, False, word)
        blocks.append("%s:\n%s" % (word, out))
    kz.golden("svcs/reasons", "\n".join(blocks).replace(t.root, "ROOT"))


@kz.test
def what_is_no_zone_here_has_its_own_next_step(t):
    for fmri, text in (("svc:/host/systemd/unit:nfs-server.service",
                        "  Next: systemctl status nfs-server.service\n"),
                       ("svc:/system/zones/zone:gone",
                        "  Next: zoneadm -z gone install, or remove the dependency with: "
                        "zonecfg -z web\n"),
                       ("svc:/network/ntp:default",
                        "  Next: Remove the dependency on svc:/network/ntp:default with: "
                        "zonecfg -z web\n")):
        kz.has(run(t, "svcs", "-x", dependencies={"web": [{"fmri": fmri}]},
                   instances=[instance("web", "offline", reason="waiting for " + fmri,
                                       auxiliary="dependency_unsatisfied")]).stdout, text)


@kz.test
def explanations_name_reason_and_next_step(t):
    kz.golden("svcs/x", run(t, "svcs", "-x").stdout.replace(t.root, "ROOT"))


@kz.test
def explanations_list_what_is_held_up(t):
    kz.golden("svcs/xv", run(t, "svcs", "-xv", "db", "front", "mail").stdout.replace(t.root, "ROOT"))


@kz.test
def nothing_to_explain_is_nothing(t):
    kz.eq(run(t, "svcs", "-x", instances=[instance("web")]).stdout, "")


@kz.test
def mistakes_are_said(t):
    kz.has(run(t, "svcs", "-lx", status=2).stderr, "exclude each other")
    kz.has(run(t, "svcs", "-q", status=2).stderr, "illegal option -- q")
    kz.has(t.run("svcs", status=1).stderr, "svcs: svc.zones is not running")
    kz.has(run(t, "svcs", instances=[{"fmri": "x"}], status=1).stderr, "lacks something")


@kz.test
def svcadm_calls_what_is_asked(t):
    def calls(*args, **more):
        return run(t, "svcadm", *args, **more).calls[1:]

    kz.eq(calls("enable", "web"), [("Enable", {"zone": "web", "temporary": False})])
    kz.eq(calls("disable", "-t", "zone:db", "mail"),
          [("Disable", {"zone": "mail", "temporary": True}),
           ("Disable", {"zone": "db", "temporary": True})])
    kz.eq(calls("clear", "db"), [("Clear", {"zone": "db"})])
    kz.eq(calls("refresh", "db"), [("Refresh", {"zone": "db"})])
    kz.eq(calls("restart", "mail"), [("Shutdown", {"zone": "mail", "reboot": True})])
    kz.eq(calls("restart", "db", status=1), [])


@kz.test
def svcadm_says_what_is_wrong(t):
    kz.has(run(t, "svcadm", status=2).stderr, "usage: svcadm")
    kz.has(run(t, "svcadm", "explode", "web", status=2).stderr, "usage: svcadm")
    kz.has(run(t, "svcadm", "enable", status=2).stderr, "usage: svcadm")
    kz.has(run(t, "svcadm", "clear", "-t", "db", status=2).stderr, "illegal option -- t")
    kz.eq(run(t, "svcadm", "enable", "nope", status=1).stderr,
          "svcadm: Pattern 'nope' doesn't match any instances\n")
    with FakeSvc(t) as svc:
        svc.instances = INSTANCES
        svc.answers["Clear"] = error("BadState", "it is online", state="running")
        kz.eq(t.run("svcadm", "clear", "mail", status=1).stderr,
              "svcadm: svc:/system/zones/zone:mail: it is online\n")


kz.main()
