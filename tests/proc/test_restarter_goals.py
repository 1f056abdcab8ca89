# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones and goals: what kzhost is told, when a zone is online, what survives a restart."""

import os
import signal

import kz
from restarter import call, configure, install, log, now, setup

CONSOLE = {"goals": "console:login:", "goals_timeout": 100}


def enabled(t, zone="db", **properties):
    """A zone that is being booted and whose guest runs; svc.zones was started."""
    configure(t, zone, **properties)
    setup(t, zone)
    call(t, "Enable", zone=zone, temporary=True)
    t.wait_zone(zone, "running")


def restart(t):
    """svc.zones dies and comes again."""
    t.svc.kill()
    t.svc.wait()
    t.svc_start()


@kz.test
def online_when_the_console_says_so(t):
    enabled(t, **CONSOLE)
    create = t.json("fake/db.create")
    kz.eq((create["goals_kind"], create["goals"]), ("console", "login:"))
    i = t.instance("db")
    kz.eq((i["state"], i["next_state"]), ("offline", "online"))
    kz.has(i["reason"], "goals")
    now(t, "db", "goals")
    t.wait_instance("db", "online")
    now(t, "db", "goals")
    kz.eq(t.instance("db")["state"], "online")


@kz.test
def a_dependent_waits_for_the_goals(t):
    configure(t, "web", depends=["db"])
    enabled(t, **CONSOLE)
    install(t, "web")
    call(t, "Enable", zone="web", temporary=True)
    kz.has(t.instance("web")["reason"], "zone:db")
    kz.eq(("web", "begin") in log(t), False)
    now(t, "db", "goals")
    t.wait_instance("web", "online")


@kz.test
def without_goals_the_guest_only_has_to_run(t):
    enabled(t)
    create = t.json("fake/db.create")
    kz.eq((create["goals_kind"], create["goals"]), ("none", ""))
    t.wait_instance("db", "online")


@kz.test
def goals_that_do_not_come_are_maintenance_with_the_reason(t):
    enabled(t, goals="console:login:", goals_timeout=1)
    t.wait_instance("db", "maintenance")
    kz.has(t.instance("db")["reason"], "did not reach its goals within 1 s")
    kz.eq(t.zone("db")["state"], "running")
    now(t, "db", "goals")
    t.wait_instance("db", "online")


@kz.test
def reached_while_the_restarter_was_away(t):
    enabled(t, **CONSOLE)
    pid = t.instance("db")["contract"]
    t.write("fake/db", "hello reached\n")
    restart(t)
    t.wait_instance("db", "online")
    kz.eq(t.instance("db")["contract"], pid)


@kz.test
def waited_for_by_the_next_restarter(t):
    enabled(t, **CONSOLE)
    restart(t)
    i = t.instance("db")
    kz.eq((i["state"], i["next_state"]), ("offline", "online"))
    now(t, "db", "goals")
    t.wait_instance("db", "online")


@kz.test
def tracking_can_be_switched_off_and_on(t):
    enabled(t, **CONSOLE)
    t.run("svccfg", "-s", "zones:default", "setprop", "config/track-zone-goals=false")
    kz.eq(t.instance("db")["state"], "offline")
    t.run("svcadm", "refresh", "zones:default")
    t.wait_instance("db", "online")
    call(t, "Halt", zone="db")
    t.wait_instance("db", "disabled")
    t.run("svccfg", "-s", "zones:default", "delprop", "config/track-zone-goals")
    t.run("svcadm", "refresh", "zones:default")
    call(t, "Enable", zone="db", temporary=True)
    t.wait_zone("db", "running")
    kz.eq(t.instance("db")["state"], "offline")


@kz.test
def the_agent_and_the_port_are_watched_by_kzhost(t):
    for kind in ("agent", "port"):
        configure(t, kind, goals=kind)
    setup(t, "agent", "port")
    for kind in ("agent", "port"):
        call(t, "Enable", zone=kind, temporary=True)
        t.wait_zone(kind, "running")
        create = t.json("fake/%s.create" % kind)
        kz.eq((create["goals_kind"], create["goals"]), (kind, ""))
        kz.has(t.instance(kind)["reason"], "goals")
        now(t, kind, "goals")
        t.wait_instance(kind, "online")


@kz.test
def a_flood_of_goals_changes_nothing(t):
    enabled(t, **CONSOLE)
    t.write("fake/db.now", "now goals\n" * 200)
    os.kill(t.instance("db")["contract"], signal.SIGUSR1)
    t.wait_instance("db", "online")
    kz.eq(t.svc.alive(), True)


kz.main()
