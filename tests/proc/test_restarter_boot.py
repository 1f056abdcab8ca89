# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones boots zones: order, reasons of boots that fail, and how they end."""

import json
import os
import re
import signal
import socket
import time

import kz
from restarter import (call, check_status, configure, log, maintenance, now, refused, script,
                       setup, status)


@kz.test
def options(t):
    kz.has(t.run("svc.zones", "--selftest").stdout, "sound")
    kz.has(t.run("svc.zones", "-h").stdout, "usage: svc.zones")
    kz.has(t.run("svc.zones", "-x", status=2).stderr, "unknown argument '-x'")
    kz.has(t.run("svc.zones", "-R", status=2).stderr, "wants an argument")
    kz.has(t.run("svc.zones", "-R", "relative", status=1).stderr, "absolute")
    kz.has(t.run("svc.zones", "-D", "nonsense", status=2).stderr, "known: core")


@kz.test
def zones_boot_in_dependency_order_at_host_boot(t):
    configure(t, "db", autoboot=True)
    configure(t, "web", depends=["db"], autoboot=True)
    setup(t, "db", "web", KZONES_BOOT_ID="one")
    kz.eq(log(t), [])
    kz.eq(t.svc_stop(), 0)
    t.svc_start(KZONES_BOOT_ID="two")
    t.wait_instance("web", "online")
    starts = [zone for zone, what in log(t) if what == "start"]
    kz.eq(starts, ["db", "web"])
    kz.wait_for(lambda: status(t, "web")["boot"]["online"], "status of web")
    db, web = status(t, "db")["boot"], status(t, "web")["boot"]
    kz.eq(db["started"] <= db["running"] <= db["online"] <= web["started"]
          <= web["running"] <= web["online"], True, (db, web))
    check_status(t)
    made = t.json("fake/web.create")
    kz.eq((made["ram"], made["vcpus"], made["zone"]), (64 << 20, 1, "web"))
    kz.eq(made["cmdline"], "kzones.zone=web")
    kz.eq(made["fds"], 4)


@kz.test
def host_stop_is_in_reverse_order_and_leaves_nothing(t):
    configure(t, "web", depends=["db"])
    setup(t, "db", "web")
    call(t, "Boot", zone="db")
    call(t, "Boot", zone="web")
    t.wait_instance("web", "online")
    pids = [t.instance(z)["contract"] for z in ("db", "web")]
    kz.eq(t.svc_stop(), 0)
    kz.eq([e for e in log(t) if e[1] in ("shutdown", "exiting-poweroff")],
          [("web", "shutdown"), ("web", "exiting-poweroff"),
           ("db", "shutdown"), ("db", "exiting-poweroff")])
    for pid in pids:
        kz.eq(os.path.exists("/proc/%d" % pid), False)
    left = [os.path.join(d, f) for d, _, names in os.walk(t.path("run/zones")) for f in names]
    kz.eq([f for f in left if f.endswith(".sock")], [])


@kz.test
def arguments_are_for_the_boot_that_was_asked_for(t):
    """When that is not going to be, no other boot gets them."""
    configure(t, "web", depends=["db"])
    setup(t, "db", "web")
    waiting = t.connect()
    waiting.send("Boot", {"zone": "web", "args": "single"}, more=True)
    kz.has(waiting.receive()["parameters"]["progress"], "zone:db")
    call(t, "Halt", zone="web")
    kz.eq(waiting.receive()["error"].rsplit(".", 1)[1], "Interrupted")
    kz.eq("boot_args" in t.json("var/lib/zones/state.json")["zones"]["web"], False)
    call(t, "Boot", zone="db")
    call(t, "Enable", zone="web", temporary=True)
    t.wait_instance("web", "online")
    kz.eq(t.json("fake/web.create")["cmdline"], "kzones.zone=web")


@kz.test
def manual_boot_halt_shutdown_and_ids(t):
    setup(t, "db")
    kz.eq(t.zone("db")["id"], -1)
    call(t, "Boot", zone="db", args="quiet")
    t.wait_zone("db", "running")
    kz.eq(t.zone("db")["id"], 1)
    kz.eq(t.json("fake/db.create")["cmdline"], "quiet kzones.zone=db")
    kz.eq(t.instance("db")["enabled_temporary"], True)
    kz.has(refused(t, "BadState", "Boot", zone="db", args="again"), "already")
    call(t, "Halt", zone="db")
    kz.eq(t.zone("db")["state"], "installed")
    call(t, "Boot", zone="db")
    kz.eq(t.zone("db")["id"], 2)
    kz.eq(t.json("fake/db.create")["cmdline"], "kzones.zone=db")
    call(t, "Reboot", zone="db")
    t.wait_zone("db", "running")
    kz.eq(t.zone("db")["id"], 3)
    call(t, "Shutdown", zone="db")
    kz.eq(t.zone("db")["state"], "installed")
    kz.eq(t.instance("db")["state"], "disabled")
    lines = t.read("var/log/zones/messages.db").splitlines()
    kz.eq([line for line in lines if "(-)" in line or "()" in line], [], "empty reasons")
    kz.has("\n".join(lines), "db offline -> online ]")
    kz.has("\n".join(lines), "-> offline* (the machine is being started)")


@kz.test
def no_act_prints_the_plan(t):
    configure(t, "a", autoboot=True, depends=["db"])
    configure(t, "db", autoboot=True, boot_priority="low")
    configure(t, "off")
    setup(t, "a", "db", "off")
    kz.eq(t.svc_stop(), 0)
    before = t.read("var/lib/zones/state.json")
    out = t.run("svc.zones", "-n").stdout
    kz.has(out, "  1. boot db (priority low)\n  2. boot a (priority normal)\n")
    kz.has(out, "not off")
    kz.eq(t.read("var/lib/zones/state.json"), before)
    kz.eq(os.path.exists(t.path("run/zones/svc.zones.sock")), False)
    t.write("etc/zones/off.json", "{")
    kz.has(t.run("svc.zones", "-n", status=1).stdout, "bad off")


@kz.test
def kernel_missing_unreadable_or_not_a_file(t):
    configure(t, "db", kernel=t.path("nowhere"))
    setup(t, "db")
    maintenance(t, "db", "direct-boot kernel", t.path("nowhere"), "No such file")
    configure(t, "db", kernel=t.path("etc"))
    call(t, "Refresh", zone="db")
    call(t, "Clear", zone="db")
    kz.wait_for(lambda: "not a regular file" in t.instance("db")["reason"], "a new reason")
    kz.eq(log(t), [])
    check_status(t)


@kz.test
def what_kzhost_says_of_a_kernel_names_the_file(t):
    long = t.write("/".join(["d" * 100] * 3) + "/initrd", "an initrd")
    configure(t, "db", direct_boot={"kernel": t.path("kernel"), "initrd": long})
    setup(t, "db")
    script(t, "db", "create fail kernel: neither a PVH ELF nor a bzImage")
    maintenance(t, "db", "direct-boot kernel %s: neither a PVH ELF" % t.path("kernel"))
    call(t, "Clear", zone="db")
    kz.wait_for(lambda: t.instance("db")["state"] == "maintenance", "maintenance")
    script(t, "db", "create fail initrd: the file is empty")
    call(t, "Clear", zone="db")
    kz.wait_for(lambda: "d/initrd: the file is empty" in t.instance("db")["reason"], "it")
    kz.has(t.instance("db")["reason"], "direct-boot initrd ...ddd")
    script(t, "db", "create fail kernels: of no file")
    call(t, "Clear", zone="db")
    kz.wait_for(lambda: "failed: kernels: of no file" in t.instance("db")["reason"], "that")


@kz.test
def a_zone_without_direct_boot_says_what_to_add(t):
    configure(t, "db", kernel=False)
    setup(t, "db")
    maintenance(t, "db", "there is neither a device nor a direct-boot", "zonecfg -z db")


@kz.test
def kernel_not_permitted(t):
    t.unprivileged()
    configure(t, "db")
    setup(t, "db")
    os.chmod(t.path("kernel"), 0)
    maintenance(t, "db", "direct-boot kernel", "Permission denied")


@kz.test
def kvm_absent(t):
    setup(t, "db", KZONES_KVM="/nonexistent/kvm")
    maintenance(t, "db", "/nonexistent/kvm does not exist", "kvm_intel")


@kz.test
def kvm_not_permitted(t):
    t.unprivileged()
    t.write("kvm", "", mode=0o000)
    setup(t, "db", KZONES_KVM=t.path("kvm"))
    maintenance(t, "db", "may not use it", "Permission denied")


@kz.test
def memory_larger_than_the_host_has(t):
    configure(t, "db", memory="1024G")
    setup(t, "db")
    maintenance(t, "db", "not enough memory", "asks for 1048576 MiB", "are available")


@kz.test
def memory_that_is_promised_cannot_be_had_twice(t):
    with open("/proc/meminfo") as f:
        available = next(int(line.split()[1]) for line in f if line.startswith("MemAvail"))
    share = "%dM" % (available * 6 // 10 // 1024 // 2 * 2)
    configure(t, "db", memory=share)
    configure(t, "web", memory=share)
    setup(t, "db", "web")
    call(t, "Boot", zone="db")
    maintenance(t, "web", "not enough memory", "held by db " + share[:-1] + " MiB")


@kz.test
def dependency_is_named_while_waiting(t):
    configure(t, "web", depends=["db"])
    setup(t, "db", "web")
    c = t.connect()
    progress = next(iter(c.call_more("Boot", zone="web")))["progress"]
    kz.has(progress, "db")
    kz.has(t.instance("web")["reason"], "db")
    call(t, "Boot", zone="db")
    t.wait_instance("web", "online")
    c.close()


@kz.test
def guest_power_off_reset_and_panic(t):
    configure(t, "db", on_panic="hold")
    setup(t, "db")
    call(t, "Boot", zone="db")
    now(t, "db", "exiting poweroff")
    t.wait_instance("db", "disabled")
    call(t, "Boot", zone="db")
    first = t.instance("db")["contract"]
    now(t, "db", "exiting reset")
    kz.wait_for(lambda: t.instance("db")["contract"] not in (0, first), "another kzhost")
    t.wait_instance("db", "online")
    now(t, "db", "panic")
    kz.wait_for(lambda: t.zone("db")["auxiliary"] == ["panicked"], "panicked")
    call(t, "Halt", zone="db")
    kz.eq(t.zone("db")["auxiliary"], [])


@kz.test
def a_guest_that_ignores_shutdown_is_halted_in_time(t):
    configure(t, "db", shutdown_timeout=1)
    setup(t, "db")
    script(t, "db", "shutdown hang")
    call(t, "Boot", zone="db")
    call(t, "Shutdown", zone="db")
    kz.eq(t.zone("db")["state"], "installed")
    kz.has(log(t), ("db", "halt"))


@kz.test
def a_kzhost_that_ignores_halt_is_killed(t):
    setup(t, "db")
    script(t, "db", "halt hang")
    call(t, "Boot", zone="db")
    call(t, "Halt", zone="db")
    kz.eq(t.zone("db")["state"], "installed")


@kz.test
def service_manager_is_told(t):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(t.path("notify"))
    s.settimeout(kz.DEADLINE)
    setup(t, "db", NOTIFY_SOCKET=t.path("notify"))
    kz.has(s.recv(4096).decode(), "READY=1")
    kz.eq(t.svc_stop(signal.SIGINT), 0)
    kz.has(s.recv(4096).decode(), "STOPPING=1")


@kz.test
def service_manager_hears_how_a_stop_goes_on(t):
    t.write("etc/zones/svc.zones.json", json.dumps({"config": {"stop-timeout": 300}}))
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(t.path("notify"))
    s.settimeout(kz.DEADLINE)
    script(t, "a", "shutdown hang")
    setup(t, "a", "b", NOTIFY_SOCKET=t.path("notify"))
    kz.has(s.recv(4096).decode(), "READY=1")
    for zone in ("a", "b"):
        call(t, "Boot", zone=zone)
    t.svc.popen.send_signal(signal.SIGTERM)
    kz.eq(s.recv(4096).decode(), "STOPPING=1\nSTATUS=Stopping")
    extend, said = s.recv(4096).decode().split("\n")
    kz.eq(extend, "EXTEND_TIMEOUT_USEC=15000000")
    kz.has(said, "STATUS=Stopping: 2 of 2 zones still run; a: ")
    # More time is asked for again and again, before what was asked for is over.
    while said.startswith("STATUS=Stopping: 2 of 2 zones still run; "):
        before = time.monotonic()
        extend, said = s.recv(4096).decode().split("\n")
        kz.eq(extend, "EXTEND_TIMEOUT_USEC=15000000")
        kz.eq(time.monotonic() - before < 14, True, "before that")
    kz.eq(bool(re.fullmatch(r"STATUS=Stopping: 1 of 2 zones still run; a: shutting down, "
                            r"to be halted in \d+ s", said)), True, said)
    os.kill(t.instance("a")["contract"], signal.SIGKILL)
    kz.eq(t.svc.wait(), 0)


@kz.test
def a_stop_goes_on_after_its_deadline(t):
    """svc.zones died during the stop of the host, and comes back when its time is over."""
    t.write("etc/zones/svc.zones.json", json.dumps({"config": {"stop-timeout": 300}}))
    script(t, "a", "shutdown hang")
    configure(t, "b", depends=["a"])
    setup(t, "a", "b")
    for zone in ("a", "b"):
        call(t, "Boot", zone=zone)
    t.svc.popen.send_signal(signal.SIGTERM)
    kz.wait_for(lambda: ("a", "shutdown") in log(t), "a was asked")
    t.svc_kill()
    state = t.json("var/lib/zones/state.json")
    kz.eq(state["stop_deadline_ms"] > (time.time() + 200) * 1000, True)
    del state["check"]
    state["stop_deadline_ms"] = int(time.time() * 1000) - 5000
    t.write("var/lib/zones/state.json", json.dumps(state))
    again = t.start("svc.zones")
    kz.eq(again.wait(), 0, again.output())
    kz.has(again.output(), "going on with the stop")
    kz.eq([log(t).count((zone, "start")) for zone in ("a", "b")], [1, 1])
    kz.eq(log(t).count(("a", "halt")), 1)


@kz.test
def limits_come_from_the_configuration(t):
    t.write("etc/zones/svc.zones.json",
            json.dumps({"config": {"concurrent-boot-shutdown": 1, "stop-timeout": 7}}))
    setup(t, "a", "b")
    kz.eq(status(t)["host"]["limits"]["concurrent_boot_shutdown"], 1)
    script(t, "a", "start hang")
    c = t.connect()
    c.send("Boot", {"zone": "a"})
    kz.wait_for(lambda: ("a", "start") in log(t), "a is being booted")
    d = t.connect()
    kz.eq(next(iter(d.call_more("Boot", zone="b")))["progress"] != "", True)
    kz.wait_for(lambda: status(t)["host"]["slots"] == {"used": 1, "queued": 1}, "the queue")
    kz.eq(status(t, "b")["instance"]["queue_position"], 1)
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": "x"}}')
    t.svc.popen.send_signal(signal.SIGHUP)
    kz.wait_for(lambda: "must be a number" in t.svc.output(), "the complaint")
    kz.eq(status(t)["host"]["limits"]["concurrent_boot_shutdown"], 1)


kz.main()
