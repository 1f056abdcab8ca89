#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones and units of the host: over a bus with a fake service manager, and without one

fakesystemd.c is the bus and the service manager. svc.zones talks to it with libsystemd, as
it would with the real ones (the host suite shows those).
"""

import json
import os
import signal
import socket

import kz
from restarter import call, configure, install, log, script, setup, status

PREFIX = "svc:/host/systemd/unit:"


def address(t):
    return "unix:path=" + t.path("bus")


def depends(t, zone, *units, grouping="require_all"):
    """Configure a zone that autoboots and depends on units."""
    configure(t, zone, autoboot=True)
    path = t.path("etc/zones/%s.json" % zone)
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["smf-dependency"] = [{"name": "units", "fmri": PREFIX + u, "grouping": grouping}
                                for u in units]
    t.write("etc/zones/%s.json" % zone, json.dumps(config))


def systemd(t, *lines):
    """Start the fake service manager, with units as these lines say."""
    t.write("units", "".join(line + "\n" for line in lines))
    if os.path.exists(t.path("bus")):
        os.unlink(t.path("bus"))
    fake = t.start("fakesystemd", t.path("bus"), t.path("units"))
    kz.wait_for(lambda: os.path.exists(t.path("bus")), "the bus")
    return fake


def change(t, fake, *lines, sig=signal.SIGUSR1):
    """Make the units others; the fake tells."""
    t.write("units", "".join(line + "\n" for line in lines))
    os.kill(fake.pid, sig)


def reason(t, zone):
    return t.instance(zone)["reason"]


def wait_reason(t, zone, text):
    kz.wait_for(lambda: text in reason(t, zone), "%s: %s" % (zone, text))


def wait_said(t, text):
    kz.wait_for(lambda: text in t.svc.output(), "svc.zones says: " + text)


def started(t, zone):
    return (zone, "start") in log(t)


def fds(t):
    """How many descriptors svc.zones has."""
    return len(os.listdir("/proc/%d/fd" % t.svc.pid))


def serve(t, *zones, **env):
    setup(t, *zones, DBUS_SYSTEM_BUS_ADDRESS=address(t), **env)
    for zone in zones:
        call(t, "Enable", zone=zone, temporary=False)


@kz.test
def a_zone_waits_for_a_unit_and_boots_when_it_is_active(t):
    depends(t, "web", "db.service")
    fake = systemd(t, "db.service loaded inactive -")
    serve(t, "web")
    wait_reason(t, "web", "waiting for %sdb.service (disabled)" % PREFIX)
    kz.eq(t.instance("web")["state"], "offline")
    change(t, fake, "db.service loaded inactive start")
    wait_reason(t, "web", "(offline)")
    kz.wait_for(lambda: "(offline)" in (status(t, "web")["instance"] or {}).get("reason", ""),
                "the status tells it, too")
    change(t, fake, "db.service loaded activating start")
    assert not started(t, "web")
    change(t, fake, "db.service loaded active -")
    t.wait_instance("web", "online")
    change(t, fake, "db.service loaded failed -")
    wait_said(t, "unit=db.service maintenance")
    kz.eq(t.instance("web")["state"], "online", "a zone that runs goes on")


@kz.test
def an_alias_is_watched_under_its_own_name(t):
    depends(t, "web", "sshd.service")
    fake = systemd(t, "sshd.service loaded inactive - ssh.service")
    serve(t, "web")
    wait_reason(t, "web", "(disabled)")
    change(t, fake, "sshd.service loaded active - ssh.service")
    t.wait_instance("web", "online")


@kz.test
def a_unit_that_comes_with_a_reload_is_found(t):
    depends(t, "web", "new.mount")
    fake = systemd(t)
    serve(t, "web")
    wait_reason(t, "web", "(absent)")
    change(t, fake, "new.mount loaded active -", sig=signal.SIGUSR2)
    t.wait_instance("web", "online")


@kz.test
def optional_and_exclude_do_not_start_before_units_are_known(t):
    depends(t, "opt", "a.service", grouping="optional_all")
    depends(t, "exc", "b.service", grouping="exclude_all")
    depends(t, "any", "a.service", "b.service", "c.service", grouping="require_any")
    fake = systemd(t, "mute")
    serve(t, "opt", "exc", "any")
    for zone in ("opt", "exc", "any"):
        wait_reason(t, zone, "(unknown)")
    kz.wait_for(lambda: "ask c.service" in fake.output(), "all questions")
    kz.eq([z for z in ("opt", "exc", "any") if started(t, z)], [])
    fake.kill()
    fake.wait()
    wait_said(t, "no system bus")
    t.wait_instance("opt", "online")
    t.wait_instance("exc", "online")
    wait_reason(t, "any", "%sb.service (absent), %sc.service (absent)" % (PREFIX, PREFIX))
    systemd(t, "a.service loaded inactive -", "b.service loaded active -")
    t.wait_instance("any", "online")


@kz.test
def without_a_bus_units_are_absent_which_is_said_once(t):
    depends(t, "web", "db.service")
    depends(t, "app", "db.service", "x.service")
    serve(t, "web", "app")
    wait_reason(t, "web", "(absent)")
    fake = systemd(t, "db.service loaded active -")
    t.wait_instance("web", "online")
    wait_reason(t, "app", "x.service (absent)")
    text = t.svc.output()
    kz.eq(text.count("no system bus ("), 1, text)
    kz.eq(text.count("units of the host are watched over the system bus"), 1, text)
    fake.kill()
    fake.wait()
    kz.wait_for(lambda: t.svc.output().count("no system bus (") == 2, "it is gone: told")
    kz.eq(t.instance("web")["state"], "online")


@kz.test
def a_bus_that_says_nothing_holds_nobody_up(t):
    depends(t, "web", "db.service")
    configure(t, "other", autoboot=True)
    silent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    silent.bind(t.path("bus"))
    silent.listen(8)
    serve(t, "web", "other")
    t.wait_instance("other", "online")
    wait_reason(t, "web", "(unknown)")
    silent.close()


@kz.test
def a_bus_of_garbage_is_no_bus(t):
    depends(t, "web", "db.service")
    noisy = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    noisy.bind(t.path("bus"))
    noisy.listen(8)
    setup(t, "web", DBUS_SYSTEM_BUS_ADDRESS=address(t))
    peer = noisy.accept()[0]
    peer.sendall(b"what?\r\n" * 100)
    wait_said(t, "no system bus")
    call(t, "Enable", zone="web", temporary=False)
    wait_reason(t, "web", "(absent)")
    peer.close()
    noisy.close()


@kz.test
def a_bus_that_hangs_up_is_no_bus_and_not_said_each_time(t):
    depends(t, "web", "db.service")
    rude = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    rude.bind(t.path("bus"))
    rude.listen(8)
    rude.settimeout(kz.DEADLINE)
    setup(t, "web", DBUS_SYSTEM_BUS_ADDRESS=address(t))
    for _ in range(3):
        rude.accept()[0].close()
    text = t.svc.output()
    kz.eq(text.count("no system bus ("), 1, text)
    kz.eq([line for line in text.splitlines() if "unit=" in line],
          ["svc.zones: unit=db.service absent"])
    rude.close()


@kz.test
def a_stop_of_the_host_takes_the_bus_with_it(t):
    depends(t, "web", "db.service")
    fake = systemd(t, "db.service loaded active -")
    script(t, "web", "shutdown hang")
    serve(t, "web")
    t.wait_instance("web", "online")
    open_fds = fds(t)
    t.svc.popen.send_signal(signal.SIGTERM)
    wait_said(t, "stopping all zones")
    fake.kill()
    fake.wait()
    kz.wait_for(lambda: fds(t) < open_fds, "svc.zones lets go of the bus")
    os.kill(t.instance("web")["contract"], signal.SIGKILL)
    kz.eq(t.svc.wait(), 0)
    kz.eq(t.svc.output().count("no system bus"), 0, t.svc.output())


@kz.test
def only_units_that_zones_depend_on_are_asked_for(t):
    configure(t, "web")
    fake = systemd(t, "db.service loaded active -", "ntp.service loaded active -")
    serve(t, "web")
    t.wait_instance("web", "online")
    kz.eq(fake.output(), "", "nobody depends on a unit: nobody asks")
    depends(t, "app", "ntp.service")
    call(t, "Refresh", zone="app")
    install(t, "app")
    call(t, "Boot", zone="app")
    t.wait_instance("app", "online")
    kz.eq(set(fake.output().split("\n")), {"ask ntp.service", ""})
    # Twice: now, and when the match is in force. Nothing more without a change.
    kz.wait_for(lambda: fake.output().count("ask") == 2, "both questions")


@kz.test
def the_plan_takes_units_as_they_are(t):
    depends(t, "app", "x.service")
    depends(t, "web", "db.service")
    systemd(t, "db.service loaded active -", "x.service loaded inactive -")
    serve(t, "app", "web")
    t.wait_instance("web", "online")
    wait_reason(t, "app", "(disabled)")
    plan = call(t, "Plan")
    kz.eq([b["zone"] for b in plan["boots"]], ["web"])
    kz.eq([(o["zone"], o["reason"]) for o in plan["others"]],
          [("app", "waiting for %sx.service (disabled)" % PREFIX)])
    kz.eq(call(t, "Instances")["units"],
          {PREFIX + "db.service": "online", PREFIX + "x.service": "disabled"})
    # Nobody is asked for a check: units are taken to come.
    kz.eq(sorted(l.split()[2] for l in t.run("svc.zones", "-n").stdout.splitlines()),
          ["app", "web"])


@kz.test
def a_new_svc_zones_asks_again_and_keeps_what_runs(t):
    depends(t, "web", "db.service")
    depends(t, "app", "x.service")
    fake = systemd(t, "db.service loaded active -", "x.service loaded activating -")
    serve(t, "web", "app")
    t.wait_instance("web", "online")
    wait_reason(t, "app", "(offline)")
    t.svc_kill()
    change(t, fake, "db.service loaded inactive -", "x.service loaded active -")
    t.svc_start(DBUS_SYSTEM_BUS_ADDRESS=address(t))
    t.wait_instance("app", "online")
    kz.eq(t.instance("web")["state"], "online")
    kz.eq(log(t).count(("web", "start")), 1)


kz.main()
