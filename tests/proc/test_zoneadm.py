# SPDX-License-Identifier: BSD-2-Clause
"""zoneadm against a scripted svc.zones: texts, widths, exit statuses."""

import json
import os
import pty
import signal
import threading

import kz
from fake_svc import FakeSvc, error, together, zone

UUID_A = "29be88cb-e61a-4204-8d9b-f4a61bf0efdd"
UUID_B = "7f9cd0c2-5b38-6f5e-9c10-d5e8a1f0a9b1"
ZONES = [
    zone("kzone1", "installed", uuid=UUID_A, aux=["suspended"]),
    zone("zone1", "running", id=5, uuid=UUID_B),
    zone("db", "configured"),
    zone("a-zone-with-a-long-name", "shutting_down", id=12, uuid=UUID_B,
         aux=["panicked", "debugging"]),
    zone("half", "incomplete"),
]
MORE_ZONES = ZONES + [
    zone("gone", "incomplete", uuid=UUID_A, aux=["no-config"]),
    zone("mover", "running", id=7, uuid=UUID_B, aux=["migrating-out"]),
    zone("comer", "ready", id=8, uuid=UUID_B, aux=["migrating-in"]),
    zone("elsewhere", "unavailable", uuid=UUID_A),
    zone("last", "down", id=9999, uuid=UUID_B),
]


def listed(t, *args, zones=ZONES, **more):
    with FakeSvc(t) as svc:
        svc.zones = zones
        return t.run("zoneadm", *args, **more)


@kz.test
def list_has_solaris_columns(t):
    kz.golden("zoneadm/list-cv", listed(t, "list", "-cv", zones=MORE_ZONES).stdout)


@kz.test
def list_lines_for_programs(t):
    kz.golden("zoneadm/list-cp", listed(t, "list", "-cp", zones=MORE_ZONES).stdout)


@kz.test
def list_states(t):
    kz.golden("zoneadm/list-cs", listed(t, "list", "-cs", zones=MORE_ZONES).stdout)


@kz.test
def list_as_json(t):
    kz.golden("zoneadm/list-c-json", listed(t, "list", "-c", "--json", zones=MORE_ZONES).stdout)
    kz_case(t)
    document = json.loads(listed(t, "list", "--json", "-n").stdout)
    kz.eq(document["version"], 1)
    kz.eq([z["name"] for z in document["zones"]], ["zone1", "a-zone-with-a-long-name"])
    kz_case(t)
    zones = json.loads(listed(t, "-z", "kzone1", "list", "--json").stdout)["zones"]
    kz.eq(zones, [ZONES[0]])
    kz_case(t)
    kz.eq(listed(t, "-z", "nope", "list", "--json", status=1).stdout, "")


@kz.test
def the_page_explains_every_member_of_the_json(t):
    with open(os.path.join(kz.SOURCE, "docs/man/zoneadm.8")) as f:
        page = f.read().split(".It Fl -json")[1].split(".It Fl")[0]
    for member in ZONES[0]:
        kz.has(page, ".It Va %s\n" % member)


@kz.test
def list_without_options_names_what_runs(t):
    kz.eq(listed(t, "list").stdout, "global\nzone1\na-zone-with-a-long-name\n")


@kz.test
def list_i_names_what_is_installed(t):
    kz.eq(listed(t, "list", "-i").stdout, "global\nzone1\na-zone-with-a-long-name\nkzone1\n")


@kz.test
def list_n_leaves_the_global_zone_out(t):
    kz.eq(listed(t, "list", "-nv").stdout.split("\n")[1].split()[1], "zone1")


@kz.test
def list_of_one_zone(t):
    kz.eq(listed(t, "-z", "db", "list").stdout, "db\n")
    with FakeSvc(kz_case(t)) as svc:
        svc.zones = ZONES
        kz.eq(t.run("zoneadm", "-z", "global", "list", "-p").stdout,
              "0:global:running:/::linux:shared:-:none:\n")


def kz_case(t):
    """The socket can be bound once; take the old one away."""
    os.unlink(t.path("run/zones/svc.zones.sock"))
    return t


@kz.test
def list_of_an_unknown_zone_fails(t):
    result = listed(t, "-z", "nope", "list", "-v", status=1)
    kz.eq(result.stdout, "")
    kz.eq(result.stderr, "zoneadm: nope: No such zone configured\n")


@kz.test
def a_zone_is_found_by_its_uuid(t):
    kz.eq(listed(t, "-u", UUID_A.upper(), "list").stdout, "kzone1\n")
    kz_case(t)
    kz.has(listed(t, "-u", "12345", "list", status=1).stderr, "no zone has uuid 12345")


@kz.test
def mistakes_in_usage_are_status_2(t):
    kz.has(t.run("zoneadm", status=2).stderr, "usage: zoneadm")
    kz.has(t.run("zoneadm", "explode", status=2).stderr, "explode: unknown subcommand")
    kz.has(t.run("zoneadm", "boot", status=2).stderr, "-z zonename")
    kz.has(t.run("zoneadm", "-z", status=2).stderr, "requires an argument -- z")
    kz.has(t.run("zoneadm", "-z", "a", "halt", "-x", status=2).stderr, "illegal option -- x")
    kz.has(t.run("zoneadm", "-z", "a", "halt", "now", status=2).stderr, "unexpected argument")
    kz.has(t.run("zoneadm", "list", "-pv", status=2).stderr, "exclude each other")
    kz.has(t.run("zoneadm", "list", "-s", "--json", status=2).stderr, "exclude each other")
    kz.has(t.run("zoneadm", "list", "--jso", status=2).stderr, "illegal option --jso\n")
    for words in ([], ["running"], ["nonsense"]):
        kz.has(t.run("zoneadm", "-z", "a", "mark", *words, status=2).stderr,
               "incomplete or unavailable is expected")
    kz.has(t.run("zoneadm", "-z", "a", "list", "-c", status=2).stderr, "-c and -i")
    kz.has(t.run("zoneadm", "-z", "a", "install", "-x", "foo=1", status=2).stderr,
           "install-size")
    for size in ("x", "", "-1g", "1", "1m", "1kk", "99999999999t"):
        kz.has(t.run("zoneadm", "-z", "a", "install", "-x", "install-size=" + size,
                     status=2).stderr, "zoneadm: install: ")


@kz.test
def help_says_how(t):
    kz.golden("zoneadm/help", t.run("zoneadm", "help").stdout)
    kz.has(t.run("zoneadm", "help", "boot").stdout, "boot [-- bootargs]")
    kz.has(t.run("zoneadm", "help", "nope", status=2).stderr, "unknown subcommand")
    kz.has(t.run("zoneadm", "install", "-h").stdout, "install-size=SIZE")


@kz.test
def no_restarter_is_said(t):
    result = t.run("zoneadm", "list", status=1)
    kz.eq(result.stderr, "zoneadm: svc.zones is not running (%s: No such file or directory)\n"
          % t.path("run/zones/svc.zones.sock"))
    with FakeSvc(t):
        pass
    kz.has(t.run("zoneadm", "-z", "web", "boot", status=1).stderr, "Connection refused")


@kz.test
def a_relative_root_is_refused(t):
    kz.has(t.run("zoneadm", "-R", "here", "list", status=1).stderr, "absolute")


def refused(t, state, *args):
    """What a subcommand says when svc.zones refuses it because of the state."""
    with FakeSvc(t) as svc:
        refusal = error("BadState", "zone 'web': this cannot be done", state=state)
        for method in ("Boot", "Halt", "Shutdown", "Reboot", "Begin", "Mark"):
            svc.answers[method] = refusal
        text = t.run("zoneadm", "-z", "web", *args, status=1).stderr
    os.unlink(t.path("run/zones/svc.zones.sock"))
    return text


@kz.test
def states_are_refused_in_solaris_words(t):
    t.write("etc/zones/web.json", '{"version": 1, "brand": "solaris-kz", '
            '"capped-memory": {"physical": "64M"}, "virtual-cpu": {"ncpus": 1}}')
    texts = ""
    for state in ("configured", "incomplete", "unavailable", "installed", "ready", "running",
                  "shutting_down", "down"):
        for args in (["install"], ["uninstall", "-F"], ["boot"], ["halt"], ["reboot"],
                     ["shutdown"], ["mark", "incomplete"], ["attach"], ["detach"]):
            texts += "%s, %s: %s" % (state, args[0], refused(t, state, *args))
    kz.golden("zoneadm/refusals", texts)


@kz.test
def a_refusal_in_an_unknown_state_is_the_restarters(t):
    kz.eq(refused(t, "dreaming", "boot"), "zoneadm: zone 'web': this cannot be done\n")


@kz.test
def an_unknown_zone_is_said_as_solaris_does(t):
    with FakeSvc(t) as svc:
        svc.answers["Boot"] = error("NoSuchZone", "zone 'web': no such zone configured")
        kz.eq(t.run("zoneadm", "-z", "web", "boot", status=1).stderr,
              "zoneadm: web: No such zone configured\n")


@kz.test
def a_failed_boot_says_why(t):
    with FakeSvc(t) as svc:
        svc.answers["Boot"] = error("Failed", "kernel /x: No such file or directory")
        kz.eq(t.run("zoneadm", "-z", "web", "boot", status=1).stderr,
              "zoneadm: zone 'web': kernel /x: No such file or directory\n")


@kz.test
def arguments_of_a_boot_are_joined(t):
    with FakeSvc(t) as svc:
        t.run("zoneadm", "-z", "web", "boot", "--", "-s", "console=ttyS0")
        t.run("zoneadm", "-z", "web", "reboot")
        t.run("zoneadm", "-z", "web", "shutdown", "-r")
        t.run("zoneadm", "-z", "web", "halt")
        t.run("zoneadm", "-z", "web", "mark", "unavailable")
        kz.eq(svc.calls, [("Boot", {"zone": "web", "args": "-s console=ttyS0"}),
                          ("Reboot", {"zone": "web"}),
                          ("Shutdown", {"zone": "web", "reboot": True}),
                          ("Halt", {"zone": "web"}),
                          ("Mark", {"zone": "web", "state": "unavailable"})])


@kz.test
def waiting_tells_what_for(t):
    told = threading.Event()

    def boot(parameters, tell):
        tell("waits for svc:/system/zones/zone:db")
        told.wait(kz.DEADLINE)
        return {}

    with FakeSvc(t) as svc:
        svc.answers["Boot"] = boot
        process = t.start("zoneadm", "-z", "web", "boot")
        kz.wait_for(lambda: "waits for" in process.output(), "the progress is told")
        told.set()
        kz.eq(process.wait(), 0)
    kz.eq(process.output(), "zoneadm: zone 'web': waits for svc:/system/zones/zone:db\n")


@kz.test
def what_is_quick_tells_nothing(t):
    with FakeSvc(t) as svc:
        svc.answers["Boot"] = together("waits for a slot", {})
        result = t.run("zoneadm", "-z", "web", "boot")
    kz.eq(result.stderr, "")


@kz.test
def an_interrupt_ends_the_waiting_only(t):
    go_on = threading.Event()
    called = threading.Event()

    def boot(parameters, tell):
        called.set()
        go_on.wait(kz.DEADLINE)
        return {}

    with FakeSvc(t) as svc:
        svc.answers["Boot"] = boot
        process = t.start("zoneadm", "-z", "web", "boot")
        kz.eq(called.wait(kz.DEADLINE), True)
        process.kill(signal.SIGINT)
        kz.eq(process.wait(), 1)
        go_on.set()
    kz.eq(process.output(),
          "zoneadm: zone 'web': no longer waiting; svc.zones goes on with the boot\n")


@kz.test
def nonsense_from_the_restarter_is_an_error(t):
    for answer in ({"zones": [{"name": "x"}]}, {"zones": [dict(zone("x"), state="odd")]}):
        with FakeSvc(t) as svc:
            svc.answers["Zones"] = answer
            kz.has(t.run("zoneadm", "list", "-c", status=1).stderr, "lacks something")
        os.unlink(t.path("run/zones/svc.zones.sock"))


CONFIG = ('{"version": 1, "brand": "solaris-kz", "capped-memory": {"physical": "64M"}, '
          '"virtual-cpu": {"ncpus": 1}, "device": [{"id": 0, "bootpri": 0}, '
          '{"id": 1, "storage": "file:/nowhere/disk"}, {"id": 3}]}')


def installing(t, *args, status=0):
    with FakeSvc(t) as svc:
        svc.answers["Begin"] = {"uuid": UUID_A}
        result = t.run("zoneadm", "-z", "web", "install", *args, status=status)
        return result, svc.calls


@kz.test
def install_makes_sparse_disks_between_begin_and_end(t):
    t.write("etc/zones/web.json", CONFIG)
    result, calls = installing(t, "-x", "install-size=3g")
    kz.eq(calls, [("Begin", {"zone": "web", "operation": "install"}),
                  ("End", {"zone": "web", "success": True})])
    kz.golden("zoneadm/install", result.stdout.replace(t.root, "ROOT"))
    kz.eq(sorted(os.listdir(t.path("var/lib/zones/web"))), ["disk0", "disk3"])
    st = os.stat(t.path("var/lib/zones/web/disk0"))
    kz.eq((st.st_size, st.st_blocks, st.st_mode & 0o777), (3 << 30, 0, 0o600))


@kz.test
def install_keeps_a_disk_that_is_there(t):
    t.write("etc/zones/web.json", CONFIG)
    t.write("var/lib/zones/web/disk0", "precious")
    result, _ = installing(t)
    kz.has(result.stdout, "Using existing disk")
    kz.eq(t.read("var/lib/zones/web/disk0"), "precious")
    kz.eq(os.stat(t.path("var/lib/zones/web/disk3")).st_size, 16 << 30)


@kz.test
def install_that_fails_ends_without_success(t):
    t.write("etc/zones/web.json", CONFIG)
    t.write("var/lib/zones/web", "a file in the way")
    result, calls = installing(t, status=1)
    kz.eq(calls[-1], ("End", {"zone": "web", "success": False}))
    kz.has(result.stderr, "install failed: ")


@kz.test
def install_gives_the_zone_its_key(t):
    t.write("etc/zones/web.json", CONFIG)
    export = ["zonecfg", "-z", "web", "export"]
    install = ["zoneadm", "-z", "web", "install"]
    with FakeSvc(t) as svc:
        svc.answers["Begin"] = {"uuid": UUID_A}
        t.run(*install)
        text = t.run(*export).stdout
        kz.has(text, "add keysource\nset raw=")
        kz.eq(os.stat(t.path("etc/zones/keys/web")).st_mode & 0o777, 0o600)
        t.run(*install)
        kz.eq(t.run(*export).stdout, text)  # and keeps it
        os.unlink(t.path("etc/zones/keys/web"))
        os.rmdir(t.path("etc/zones/keys"))
        t.write("etc/zones/keys", "a file in the way")
        t.write("etc/zones/web.json", CONFIG)
        result = t.run(*install, status=1)
        kz.eq(svc.calls[-1], ("End", {"zone": "web", "success": False}))
    kz.has(result.stderr, "install failed: %s" % t.path("etc/zones/keys"))


@kz.test
def install_wants_a_configuration(t):
    result, calls = installing(t, status=1)
    kz.eq(calls, [])
    kz.eq(result.stderr, "zoneadm: web: No such zone configured\n")


@kz.test
def uninstall_asks_at_a_terminal_only(t):
    with FakeSvc(t) as svc:
        result = t.run("zoneadm", "-z", "web", "uninstall", status=1)
        kz.has(result.stderr, "-F not specified")
        kz.eq(svc.calls, [])
        t.write("var/lib/zones/web/disk0", "x")
        master, slave = pty.openpty()
        os.write(master, b"n\n")
        import subprocess
        program = kz.find_program("zoneadm")
        kz.eq(subprocess.run([program, "-z", "web", "uninstall"], env=t.env(), stdin=slave,
                             stdout=subprocess.PIPE).returncode, 1)
        kz.eq(svc.calls, [])
        os.write(master, b"y\n")
        kz.eq(subprocess.run([program, "-z", "web", "uninstall"], env=t.env(), stdin=slave,
                             stdout=subprocess.PIPE).returncode, 0)
        os.close(master)
        os.close(slave)
        kz.eq(svc.calls, [("Begin", {"zone": "web", "operation": "uninstall"}),
                          ("End", {"zone": "web", "success": True})])
    kz.eq(os.path.exists(t.path("var/lib/zones/web")), False)


@kz.test
def uninstall_leaves_other_storage_alone(t):
    t.write("elsewhere/disk", "precious")
    t.write("var/lib/zones/web/disk0", "x")
    t.write("var/lib/zones/db/disk0", "y")
    os.symlink(t.path("elsewhere"), t.path("var/lib/zones/web/link"))
    with FakeSvc(t):
        t.run("zoneadm", "-z", "web", "uninstall", "-F")
    kz.eq(t.read("elsewhere/disk"), "precious")
    kz.eq(os.listdir(t.path("var/lib/zones")), ["db"])


@kz.test
def verify_says_what_is_wrong(t):
    t.write("etc/zones/web.json", CONFIG)
    kz.eq(t.run("zoneadm", "-z", "web", "verify", status=1).stderr,
          "zoneadm: zone 'web': device 1: storage: /nowhere/disk: No such file or directory\n")
    t.write("disk.web", "x" * 512)
    t.write("etc/zones/web.json", CONFIG.replace("/nowhere/disk", t.path("disk.%{zonename}")))
    kz.eq(t.run("zoneadm", "-z", "web", "verify").stderr, "")
    t.write("disk.web", "")
    kz.eq(t.run("zoneadm", "-z", "web", "verify", status=1).stderr,
          "zoneadm: zone 'web': device 1: storage: %s: is empty: give it a size "
          "(truncate -s 16G), or an image\n" % t.path("disk.web"))
    t.write("etc/zones/web.json", '{"version": 1}')
    kz.has(t.run("zoneadm", "-z", "web", "verify", status=1).stderr,
           "zoneadm: zone 'web': nothing to boot from: ")
    t.write("etc/zones/web.json", '{"version": 1, "smf-dependency": '
            '[{"fmri": "svc:/system/zones/zone:web"}]}')
    kz.has(t.run("zoneadm", "-z", "web", "verify", status=1).stderr, "zoneadm: zone 'web': ")


@kz.test
def verify_names_everything_that_is_not_there(t):
    t.write("kernel", "x")
    t.write("etc/zones/web.json", json.dumps(
        {"version": 1, "direct-boot": {"kernel": t.path("kernel"), "initrd": "/nowhere/initrd"},
         "device": [{"id": 2, "storage": "file:/nowhere/disk"}, {"id": 5},
                    {"id": 7, "storage": "dev:" + t.path("kernel")},
                    {"id": 8, "match": "/nowhere/match"}]}))
    text = t.run("zoneadm", "-z", "web", "verify", status=1).stderr
    kz.eq(text.replace("zoneadm: zone 'web': ", ""),
          "direct-boot: initrd: /nowhere/initrd: No such file or directory\n"
          "device 2: storage: /nowhere/disk: No such file or directory\n"
          "device 7: storage: %s: not a block device\n"
          "device 8: match: /nowhere/match: No such file or directory\n" % t.path("kernel"))


@kz.test
def the_global_zone_is_not_managed(t):
    kz.eq(t.run("zoneadm", "-z", "global", "halt", status=1).stderr,
          "zoneadm: zone 'global': halt operation is invalid for the global zone.\n")


kz.main()
