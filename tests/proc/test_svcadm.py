# SPDX-License-Identifier: BSD-2-Clause
"""svcadm with a real svc.zones: waiting, dependencies, marks, the plan, exit statuses."""

import kz
from restarter import call, configure, log, now, script, setup

WEB = "svc:/system/zones/zone:web"


def svcadm(t, *args, **more):
    return t.run("svcadm", *args, **more)


def state(t, zone):
    i = t.instance(zone)
    return i["state"] + ("*" if i["next_state"] != "none" else "")


@kz.test
def enable_waits_until_it_is_online(t):
    setup(t, "web")
    kz.eq(svcadm(t, "enable", "-st", "web").stdout, "")
    kz.eq(state(t, "web"), "online")
    svcadm(t, "-v", "disable", "-st", WEB)
    kz.eq(state(t, "web"), "disabled")
    kz.eq(svcadm(t, "enable", "-st", "web").returncode, 0)


@kz.test
def exit_status_3_is_for_the_instance_itself(t):
    setup(t, "web")
    script(t, "web", "create fail no such kernel")
    r = svcadm(t, "enable", "-s", "web", status=3)
    kz.has(r.stderr, 'Instance "%s" will not be online: boot failed: no such kernel' % WEB)
    kz.eq(state(t, "web"), "maintenance")


@kz.test
def exit_status_4_is_for_its_dependencies(t):
    configure(t, "web", depends=["db"])
    setup(t, "web", "db")
    r = svcadm(t, "enable", "-s", "web", status=4)
    kz.has(r.stderr, "will not be online: waiting for svc:/system/zones/zone:db (disabled)")
    script(t, "db", "create fail no such kernel")
    kz.eq(svcadm(t, "enable", "-rs", "web", status=4).stderr.count("\n"), 2)


@kz.test
def enable_waits_for_the_stop_of_what_excludes_it(t):
    for zone, other in (("blue", "green"), ("green", "blue")):
        configure(t, zone, smf_dependency=[{"fmri": "svc:/system/zones/zone:" + other,
                                            "grouping": "exclude_all"}])
    setup(t, "blue", "green")
    svcadm(t, "enable", "-st", "green")
    kz.has(svcadm(t, "enable", "-st", "blue", status=4).stderr, "kept down by")
    svcadm(t, "disable", "-st", "blue")
    script(t, "green", "shutdown hang")
    svcadm(t, "disable", "-t", "green")
    t.wait_zone("green", "shutting_down")
    waiting = t.start("svcadm", "enable", "-st", "blue")
    t.wait_instance("blue", "offline")
    kz.has(t.instance("blue")["reason"], "kept down by svc:/system/zones/zone:green (online*)")
    kz.eq(t.instance("blue")["blocked"], False)
    call(t, "Halt", zone="green")
    kz.eq(waiting.wait(), 0, waiting.output())
    kz.eq(state(t, "blue"), "online")


@kz.test
def enable_r_enables_what_is_required(t):
    configure(t, "web", depends=["app", "other"])
    configure(t, "app", **{"smf_dependency": [
        {"fmri": "svc:/system/zones/zone:db"},
        {"fmri": "svc:/system/zones/zone:maybe", "grouping": "optional_all"},
        {"fmri": "svc:/system/zones/zone:enemy", "grouping": "exclude_all"},
        {"fmri": "svc:/system/zones/zone:a", "name": "g", "grouping": "require_any"},
        {"fmri": "svc:/system/zones/zone:b", "name": "g"}]})
    setup(t, "a", "app", "b", "db", "enemy", "maybe", "other", "web")
    kz.has(svcadm(t, "enable", "-rst", "web", status=1).stderr,
           "zone:app requires any of the group of svc:/system/zones/zone:a: enable one of it first")
    kz.eq(state(t, "web"), "disabled")
    svcadm(t, "enable", "-t", "b")
    out = svcadm(t, "-v", "enable", "-rst", "web").stdout
    kz.eq(sorted(out.split("\n")),
          sorted([""] + ["svc:/system/zones/zone:%s enabled." % z
                         for z in ("app", "db", "other", "web")]))
    for zone in ("app", "b", "db", "other", "web"):
        kz.eq(state(t, zone), "online", zone)
    for zone in ("a", "enemy", "maybe"):
        kz.eq(state(t, zone), "disabled", zone)


@kz.test
def restart_shuts_down_and_boots_again(t):
    setup(t, "web")
    kz.has(svcadm(t, "restart", "web", status=1).stderr, "not in a state")
    svcadm(t, "enable", "-st", "web")
    svcadm(t, "-v", "restart", "web")
    kz.wait_for(lambda: log(t).count(("web", "start")) == 2, "the second boot")
    kz.eq(log(t).count(("web", "shutdown")), 1)
    t.wait_instance("web", "online")


@kz.test
def mark_maintenance_and_clear(t):
    setup(t, "web")
    svcadm(t, "enable", "-st", "web")
    svcadm(t, "mark", "maintenance", "web")
    t.wait_instance("web", "maintenance")
    kz.eq(t.instance("web")["reason"], "maintenance requested by an administrator")
    kz.eq(log(t).count(("web", "shutdown")), 1)
    kz.eq(t.zone("web")["state"], "installed")
    svcadm(t, "clear", "web")
    t.wait_instance("web", "online")
    svcadm(t, "mark", "-It", "maintenance", "web")
    t.wait_instance("web", "maintenance")
    kz.eq(log(t).count(("web", "halt")), 1)
    kz.has(svcadm(t, "disable", "-s", "web", status=3).stderr, "will not be disabled")


@kz.test
def a_mark_survives_the_restarter(t):
    setup(t, "web")
    script(t, "web", "shutdown hang")
    svcadm(t, "enable", "-st", "web")
    svcadm(t, "mark", "maintenance", "web")
    t.wait_zone("web", "shutting_down")
    script(t, "web")
    t.svc_kill()
    t.svc_start()
    t.run("zoneadm", "-z", "web", "halt", status=None)
    kz.wait_for(lambda: state(t, "web") in ("maintenance", "disabled"), "it is down")


@kz.test
def mark_degraded_and_clear(t):
    setup(t, "web")
    kz.has(svcadm(t, "mark", "degraded", "web", status=1).stderr, "zone is not online")
    svcadm(t, "enable", "-st", "web")
    svcadm(t, "mark", "degraded", "web")
    kz.eq(state(t, "web"), "degraded")
    t.svc_kill()
    t.svc_start()
    kz.eq(state(t, "web"), "degraded")
    kz.has(t.run("svcs", "-x", "web").stdout, "Degraded by an administrator")
    svcadm(t, "enable", "-s", "web")
    svcadm(t, "clear", "web")
    kz.eq(state(t, "web"), "online")


@kz.test
def words_are_one_instance_and_patterns_many(t):
    setup(t, "web", "db")
    text = svcadm(t, "enable", "-t", "zones/zone", status=1).stderr.split("\n")
    kz.eq(text[0], "svcadm: Pattern 'zones/zone' matches multiple instances:")
    kz.eq(sorted(text[1:3]), ["        svc:/system/zones/zone:db",
                              "        svc:/system/zones/zone:web"])
    kz.eq(state(t, "db"), "disabled")
    svcadm(t, "enable", "-st", "*zone:*")
    kz.eq([state(t, z) for z in ("db", "web")], ["online", "online"])
    kz.has(svcadm(t, "disable", "-t", "db", "nope", status=1).stderr,
           "Pattern 'nope' doesn't match any instances")
    t.wait_instance("db", "disabled")


@kz.test
def the_plan_has_waves_and_reasons(t):
    configure(t, "db", autoboot=True, boot_priority="high")
    configure(t, "app", autoboot=True, depends=["db", "cache"])
    configure(t, "cache", autoboot=True, boot_priority="low")
    configure(t, "web", autoboot=True, depends=["app"])
    configure(t, "off")
    configure(t, "stuck", autoboot=True, depends=["off"])
    configure(t, "x", autoboot=True, depends=["y"])
    configure(t, "y", autoboot=True, depends=["x"])
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 1}}')
    setup(t, "app", "cache", "db", "off", "stuck", "web", "x", "y")
    kz.wait_for(lambda: t.read("var/lib/zones/state.json").count('"dependency_cycle"') == 2, "the cycle")
    before = t.read("var/lib/zones/state.json")
    kz.golden("svcadm/plan", svcadm(t, "--plan").stdout)
    kz.eq(t.read("var/lib/zones/state.json"), before)
    kz.eq(log(t), [])


@kz.test
def options_that_do_not_fit_are_refused(t):
    for args in (("--plan", "web"), ("clear", "-s", "web"), ("disable", "-r", "web"),
                 ("enable", "-I", "web"), ("mark", "web"), ("mark", "better", "web"),
                 ("mark", "maintenance"), ("mark", "-I", "degraded", "web"),
                 ("mark", "-s", "maintenance", "web"), ("restart", "-t", "web"), ()):
        kz.has(svcadm(t, *args, status=2).stderr, "usage: svcadm")


@kz.test
def nothing_listens(t):
    kz.has(svcadm(t, "--plan", status=1).stderr, "svcadm: svc.zones is not running")


kz.main()
