# SPDX-License-Identifier: BSD-2-Clause
"""svccfg with a real svc.zones: properties of the restarter, what is refused, what counts when."""

import os

import kz
from restarter import call, configure, script, setup, status

RESTARTER = "svc:/system/zones:default"


def svccfg(t, *args, **more):
    return t.run("svccfg", "-s", RESTARTER, *args, **more)


def limit(t):
    return status(t)["host"]["limits"]["concurrent_boot_shutdown"]


@kz.test
def listprop_prints_what_counts(t):
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 3, '
            '"concurrent-suspend-resume": 5}}')
    t.svc_start()
    kz.golden("svccfg/listprop", svccfg(t, "listprop").stdout)
    kz.golden("svccfg/listprop-one", svccfg(t, "listprop", "config/*boot*").stdout)
    kz.eq(svccfg(t, "listprop", "nothing").stdout, "")


@kz.test
def setprop_counts_after_refresh(t):
    t.svc_start()
    before = limit(t)
    svccfg(t, "setprop", "config/concurrent-boot-shutdown", "=", "count:", "7")
    kz.has(svccfg(t, "listprop").stdout, "config/concurrent-boot-shutdown   count       7\n")
    kz.eq(limit(t), before)
    t.run("svcadm", "refresh", RESTARTER)
    kz.wait_for(lambda: limit(t) == 7, "the limit counts")
    svccfg(t, "setprop", "config/concurrent-boot-shutdown=0")
    svccfg(t, "setprop", 'config/metrics-listen = astring: ""')
    svccfg(t, "setprop", "config/track-zone-goals = boolean: false")
    kz.eq(t.json("etc/zones/svc.zones.json"),
          {"config": {"concurrent-boot-shutdown": 0, "metrics-listen": "",
                      "track-zone-goals": False}})
    svccfg(t, "delprop", "config/concurrent-boot-shutdown")
    svccfg(t, "delprop", "config/concurrent-boot-shutdown")
    t.run("svcadm", "refresh", "system/zones:default")
    kz.wait_for(lambda: limit(t) == before, "the default counts again")
    kz.eq("concurrent-boot-shutdown" in t.read("etc/zones/svc.zones.json"), False)


@kz.test
def a_larger_limit_lets_waiting_zones_in(t):
    for zone in ("a", "b"):
        configure(t, zone)
        script(t, zone, "create hang")
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 1}}')
    setup(t, "a", "b")
    for zone in ("a", "b"):
        call(t, "Enable", zone=zone, temporary=True)
    kz.wait_for(lambda: t.zone("a")["state"] == "ready", "the first begins")
    kz.has(t.instance("b")["reason"], "slot")
    svccfg(t, "setprop", "config/concurrent-boot-shutdown=2")
    t.run("svcadm", "refresh", RESTARTER)
    kz.wait_for(lambda: t.zone("b")["state"] == "ready", "so does the second")


@kz.test
def mistakes_are_said_and_change_nothing(t):
    t.svc_start()
    for args, text in (
            (("setprop", "config/concurrent-boot-shutdown=many"),
             "must be a number from 0 to 100000"),
            (("setprop", "config/concurrent-boot-shutdown=-1"), "must be a number"),
            (("setprop", "config/concurrent-boot-shutdown="), "must be a number"),
            (("setprop", "config/concurrent-boot-shutdown=99999999999999999999"),
             "must be a number"),
            (("setprop", "config/stop-timeout=0"), "must be a number from 1 to 86400"),
            (("setprop", "config/stop-timeout=boolean: 1"),
             "config/stop-timeout is of type count"),
            (("setprop", "config/track-zone-goals=yes"), "must be true or false"),
            (("setprop", "config/metrics-listen=0.0.0.0:9100"), "must be 127.0.0.1:PORT"),
            (("setprop", "config/metrics-listen=127.0.0.1:99999"), "must be 127.0.0.1:PORT"),
            (("setprop", "config/nonsense=1"),
             "config/nonsense: no such property; there are: config/concurrent-boot-shutdown,"),
            (("delprop", "config/nonsense"), "config/nonsense: no such property")):
        kz.has(svccfg(t, *args, status=1).stderr, text)
    kz.eq(os.path.exists(t.path("etc/zones/svc.zones.json")), False)
    for args in ((), ("setprop",), ("delprop",), ("listprop", "a", "b"), ("explode",),
                 ("setprop", "config/stop-timeout")):
        kz.has(svccfg(t, *args, status=2).stderr, "usage")
    kz.has(t.run("svccfg", "-s", "zones/zone:web", "listprop", status=1).stderr,
           "a zone's properties are set by zonecfg")
    kz.has(t.run("svccfg", "-s", "network/inetd", "listprop", status=1).stderr,
           "doesn't match any instances")


@kz.test
def a_broken_file_is_left_alone(t):
    t.svc_start()
    t.write("etc/zones/svc.zones.json", '{"config": {"stop-timeout": "soon"}}')
    for args in (("listprop",), ("setprop", "config/stop-timeout=5")):
        kz.has(svccfg(t, *args, status=1).stderr,
               "svc.zones.json: config/stop-timeout: must be a number")
    kz.has(t.run("svcadm", "refresh", RESTARTER, status=1).stderr, "config/stop-timeout")
    kz.eq(status(t)["host"]["limits"]["stop_timeout_s"], 90)


kz.main()
