# SPDX-License-Identifier: BSD-2-Clause
"""The whole way: zonecfg, zoneadm, svcs against the real svc.zones, kzhost and guest."""

import os
import re

import kz

KERNEL = "create -b; set brand=solaris-kz; add direct-boot; set kernel=%s; end; " \
         "add capped-memory; set physical=64M; end; add virtual-cpu; set ncpus=1; end"
ON_DB = "add smf-dependency; set name=db; set fmri=svc:/system/zones/zone:db; end"
DISK = "add device; set id=0; end"


def configure(t, zone, *more):
    t.run("zonecfg", "-z", zone, "; ".join([KERNEL % t.path("libexec/guest.elf"), *more]))


def start(t):
    """svc.zones with the zones db and web, installed; web depends on db."""
    kz.need_kvm()
    kz.find_program("guest.elf")
    kz.find_program("kzhost")
    t.svc_start()
    configure(t, "db", DISK)
    configure(t, "web", ON_DB)
    for zone in ("db", "web"):
        t.run("zoneadm", "-z", zone, "install", "-x", "install-size=1g")


def states(t):
    """{zone: state} as zoneadm list tells them."""
    lines = t.run("zoneadm", "list", "-cnp").stdout.split("\n")[:-1]
    return {line.split(":")[1]: line.split(":")[2] for line in lines}


def instance_states(t):
    """Of the zones; the restarter itself, svc:/system/zones:default, is in the list, too."""
    lines = t.run("svcs", "-aH", "-o", "inst,state").stdout.split("\n")[:-1]
    states = dict(line.split() for line in lines)
    kz.eq(states.pop("default"), "online")
    return states


@kz.test
def a_zone_lives_through_all_its_states(t):
    kz.need_kvm()
    t.svc_start()
    configure(t, "web", DISK)
    kz.eq(states(t), {"web": "configured"})
    kz.has(t.run("zoneadm", "-z", "web", "boot", status=1).stderr,
           "zoneadm: zone 'web': must be installed before boot.\n")
    t.run("zoneadm", "-z", "web", "install")
    kz.eq(os.stat(t.path("var/lib/zones/web/disk0")).st_size, 16 << 30)
    kz.eq(states(t), {"web": "installed"})
    kz.eq(instance_states(t), {"web": "disabled"})
    kz.has(t.run("zoneadm", "-z", "web", "install", status=1).stderr, "is already installed.")
    t.run("zoneadm", "-z", "web", "boot")
    t.wait_text("var/log/zones/console.web", "zone web ready")
    kz.eq(states(t), {"web": "running"})
    kz.eq(instance_states(t), {"web": "online"})
    kz.has(t.run("zoneadm", "-z", "web", "boot", status=1).stderr, "zone is already booted")
    kz.has(t.run("zoneadm", "-z", "web", "uninstall", "-F", status=1).stderr,
           "uninstall operation is invalid for running zones.")
    t.run("zoneadm", "-z", "web", "shutdown")
    kz.eq(states(t), {"web": "installed"})
    kz.eq(instance_states(t), {"web": "disabled"})
    t.run("zoneadm", "-z", "web", "uninstall", "-F")
    kz.eq(states(t), {"web": "configured"})
    kz.eq(instance_states(t), {})
    kz.eq(os.path.exists(t.path("var/lib/zones/web")), False)
    t.run("zonecfg", "-z", "web", "delete", "-F")
    kz.eq(states(t), {})


@kz.test
def a_dependency_is_online_first(t):
    start(t)
    web = t.start("zoneadm", "-z", "web", "boot")
    kz.wait_for(lambda: "zone:db" in web.output(), "zoneadm says what web waits for")
    kz.eq(instance_states(t), {"db": "disabled", "web": "offline"})
    text = t.run("svcs", "-x", "web").stdout
    kz.has(text, "Next: svcs -x svc:/system/zones/zone:db")
    kz.has(t.run("svcs", "-x").stdout, "Next: svcadm enable svc:/system/zones/zone:db")
    t.run("svcadm", "enable", "-t", "db")
    kz.eq(web.wait(), 0)
    kz.eq(instance_states(t), {"db": "online", "web": "online"})
    kz.has(t.run("svcs", "-l", "web").stdout,
           "dependency   require_all/none svc:/system/zones/zone:db (online)\n")


@kz.test
def a_reboot_gives_a_new_id_and_keeps_the_uuid(t):
    def fields():
        return t.run("zoneadm", "-z", "db", "list", "-p").stdout.split(":")

    start(t)
    t.run("zoneadm", "-z", "db", "boot")
    before = fields()
    t.run("zoneadm", "-z", "db", "reboot")
    after = fields()
    kz.eq(before[4], after[4])
    kz.eq(before[0] != after[0], True, "%s, %s" % (before[0], after[0]))
    t.run("zoneadm", "-z", "db", "halt")
    kz.eq(fields()[0], "-")


@kz.test
def zones_survive_a_killed_restarter(t):
    def table():
        return t.run("svcs", "-H", "-o", "inst,state,ctid,stime", "zone:*").stdout

    start(t)
    t.run("zoneadm", "-z", "db", "boot")
    t.run("zoneadm", "-z", "web", "boot")
    for zone in ("db", "web"):
        t.wait_text("var/log/zones/console." + zone, "%s> " % zone)  # that is all it says
    before, zones, logs = table(), t.run("zoneadm", "list", "-cv").stdout, {}
    for zone in ("db", "web"):
        logs[zone] = t.read("var/log/zones/console." + zone)
    t.svc_kill()
    kz.has(t.run("zoneadm", "list", status=1).stderr, "svc.zones is not running")
    t.svc_start()
    kz.eq(table(), before)
    kz.eq(t.run("zoneadm", "list", "-cv").stdout, zones)
    for zone in ("db", "web"):
        kz.eq(t.read("var/log/zones/console." + zone), logs[zone])
    t.run("zoneadm", "-z", "web", "shutdown")
    t.run("zoneadm", "-z", "db", "shutdown")
    kz.eq(instance_states(t), {"db": "disabled", "web": "disabled"})


@kz.test
def a_kernel_that_is_missing_is_named(t):
    start(t)
    t.run("zonecfg", "-z", "db",
          "select direct-boot; set kernel=%s; end" % t.path("no/kernel"))
    error = t.run("zoneadm", "-z", "db", "boot", status=1).stderr
    kz.has(error, t.path("no/kernel"))
    kz.has(error, "No such file or directory")
    kz.eq(instance_states(t)["db"], "maintenance")
    text = t.run("svcs", "-x", "db").stdout
    kz.has(text, t.path("no/kernel"))
    kz.has(text, "svcadm clear svc:/system/zones/zone:db")
    t.run("zonecfg", "-z", "db",
          "select direct-boot; set kernel=%s; end" % t.path("libexec/guest.elf"))
    t.run("svcadm", "clear", "db")
    t.wait_instance("db", "online")


@kz.test
def an_install_that_dies_leaves_the_zone_incomplete(t):
    t.svc_start()
    configure(t, "web", DISK)
    connection = t.connect()
    uuid = connection.call("Begin", zone="web", operation="install")["uuid"]
    kz.eq(bool(re.fullmatch(r"[0-9a-f-]{36}", uuid)), True, uuid)
    connection.close()
    t.wait_zone("web", "incomplete")
    kz.has(t.run("zoneadm", "-z", "web", "install", status=1).stderr,
           "must be uninstalled before install.")
    t.run("zoneadm", "-z", "web", "uninstall", "-F")
    kz.eq(states(t), {"web": "configured"})


kz.main()
