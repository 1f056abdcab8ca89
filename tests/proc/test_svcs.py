# SPDX-License-Identifier: BSD-2-Clause
"""svcs and svcadm against a scripted svc.zones: texts, widths, exit statuses."""

import os
import re
import time

import kz
from fake_svc import FakeSvc, error, instance

INSTANCES = [
    instance("web", "offline", reason="waits for svc:/system/zones/zone:db (maintenance)"),
    instance("db", "maintenance", time_ms=1165000000000,
             reason="start failed: kernel /k: No such file or directory", contract=0),
    instance("mail", "online", contract=1),
    instance("off", "disabled", enabled=False, reason="disabled"),
    instance("rest", "disabled", enabled=False, temporary=True),
    instance("boot", "offline", next_state="online"),
]
DEPENDENCIES = {
    "web": '[{"name": "db", "fmri": "svc:/system/zones/zone:db"}, '
           '{"name": "db", "fmri": "svc:/system/zones/zone:mail"}, '
           '{"fmri": "svc:/system/zones/zone:off", "grouping": "optional_all"}]',
    "boot": '[{"name": "x", "fmri": "svc:/system/zones/zone:off"}]',
}


def run(t, program, *args, instances=None, **more):
    for zone, dependencies in DEPENDENCIES.items():
        t.write("etc/zones/%s.json" % zone, '{"version": 1, "smf-dependency": %s}'
                % dependencies)
    with FakeSvc(t) as svc:
        svc.instances = INSTANCES if instances is None else instances
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
    kz.eq(named("off"), ["off"])
    kz.eq(named("*zone:*b*"), ["boot", "web", "db"])
    kz.eq(len(named("system/zones/zone")), 6)
    kz.eq(len(named("zone")), 6)
    kz.eq(named("nope", status=1), [])
    kz.eq(run(t, "svcs", "nope", status=1).stderr,
          "svcs: Pattern 'nope' doesn't match any instances\n")


@kz.test
def a_restarter_chooses_all_or_none(t):
    kz.eq(len(run(t, "svcs", "-aH", "-R", "svc:/system/zones:default").stdout.split("\n")), 7)
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
def explanations_name_reason_and_next_step(t):
    kz.golden("svcs/x", run(t, "svcs", "-x").stdout.replace(t.root, "ROOT"))


@kz.test
def explanations_list_what_is_held_up(t):
    kz.golden("svcs/xv", run(t, "svcs", "-xv", "db", "mail").stdout.replace(t.root, "ROOT"))


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
