# SPDX-License-Identifier: BSD-2-Clause
"""Disks that are none, and too many, as an operator meets them: zonecfg refuses what can be
seen then; zoneadm boot and svcs -x say what is wrong, and the zone boots once that is mended."""

import json
import os

import kz
from loopdev import Loop
from restarter import BOOTABLE, MIB, READ_ONLY, disk, fake, image, lock, told

BASE = "create -b; add direct-boot; set kernel=%s; end; "
DEVICE = "add device; set storage=%s:%s; end; "


def operator(t, **env):
    fake(t)
    t.svc_start(**env)


def zonecfg(t, zone, text, status=0):
    return t.run("zonecfg", "-z", zone, BASE % t.path("kernel") + text + "commit",
                 status=status).stderr


def zone_with(t, zone, *paths, kind="file"):
    """Configured and installed by the operators' programs."""
    zonecfg(t, zone, "".join(DEVICE % (kind, path) for path in paths))
    t.run("zoneadm", "-z", zone, "install")


def web_with_image(t, size):
    """The zone web, installed, with a file of that size as its disk; its path."""
    operator(t)
    path = image(t, "disk", size)
    zone_with(t, "web", path)
    return path


def does_not_boot(t, zone, *parts, state="unavailable"):
    """zoneadm boot fails and says so; svcs -x says it later. What is no fault of the storage
    leaves the zone installed."""
    said = t.run("zoneadm", "-z", zone, "boot", status=1).stderr
    t.wait_instance(zone, "maintenance")
    explained = " ".join(t.run("svcs", "-x", zone).stdout.split())
    for part in parts:
        kz.has(said, part)
        kz.has(explained, part)
    kz.eq(t.zone(zone)["state"], state)
    kz.eq(t.instance(zone)["auxiliary_state"],
          "storage_unavailable" if state == "unavailable" else "boot_failed")
    kz.has(explained, "zoneadm -z %s attach" % zone if state == "unavailable" else "svcadm clear")


def boots_after_all(t, zone):
    t.run("svcadm", "clear", zone)
    t.wait_instance(zone, "online")
    kz.eq(t.zone(zone)["state"], "running")
    t.run("zoneadm", "-z", zone, "halt")


def attached(t, zone):
    """The other way back: installed, and down until it is booted."""
    t.run("zoneadm", "-z", zone, "attach")
    kz.eq((t.zone(zone)["state"], t.instance(zone)["state"]), ("installed", "disabled"))


@kz.test
def missing_and_vanished(t):
    operator(t)
    zone_with(t, "web", t.path("nowhere"))
    does_not_boot(t, "web", "device 0: %s: does not exist: see where it is, or make it "
                  "(truncate -s 16G)" % t.path("nowhere"))
    image(t, "nowhere", MIB)
    boots_after_all(t, "web")
    os.unlink(t.path("nowhere"))
    does_not_boot(t, "web", "nowhere: does not exist")
    t.run("zonecfg", "-z", "web", "remove device; commit")
    boots_after_all(t, "web")


@kz.test
def empty(t):
    web_with_image(t, 0)
    does_not_boot(t, "web", "disk: is empty: give it a size (truncate -s 16G), or an image")
    image(t, "disk", 511)
    text = "device 0: %s: is smaller than a sector: give it a size" % t.path("disk")
    kz.has(t.run("svcadm", "clear", "web", status=1).stderr, text)
    kz.has(t.run("zoneadm", "-z", "web", "attach", status=1).stderr, "attach failed: " + text)
    kz.has(t.run("zoneadm", "-z", "web", "boot", status=1).stderr,
           "zone 'web': must be installed before boot: it is unavailable; when its storage is "
           "there again: zoneadm attach")
    kz.has(t.instance("web")["reason"], text)
    image(t, "disk", 512)
    boots_after_all(t, "web")


@kz.test
def odd_sized(t):
    web_with_image(t, MIB + 511)
    t.run("zoneadm", "-z", "web", "boot")
    kz.eq(told(t, "web")[0]["bytes"], MIB + 511)


@kz.test
def read_only(t):
    operator(t)
    path = image(t, "disk", MIB)
    os.chmod(path, 0o444)
    zone_with(t, "web", path)
    t.run("zoneadm", "-z", "web", "boot")
    kz.eq(told(t, "web")[0]["flags"], READ_ONLY)
    kz.eq({flags & os.O_ACCMODE for flags in told(t, "web")[0]["flags_of_fds"]}, {os.O_RDONLY})


@kz.test
def locked_by_a_program(t):
    path = web_with_image(t, MIB)
    holder = lock(path)
    does_not_boot(t, "web", "device 0: %s: in use by a program that has locked it (fuser -v" % path)
    holder.close()
    boots_after_all(t, "web")


@kz.test
def locked_by_a_zone_under_another_name(t):
    """Links of both kinds, made when no configuration could see them."""
    operator(t)
    path = image(t, "disk", MIB)
    names = {"web": t.path("soft"), "mail": t.path("hard"), "news": path}
    for zone, name in names.items():
        zone_with(t, zone, name)
    os.symlink(path, names["web"])
    os.link(path, names["mail"])
    zones = list(names)
    for i, zone in enumerate(zones):
        t.run("zoneadm", "-z", zone, "boot")
        others = zones[i + 1:] + zones[:i]
        for other in others:
            does_not_boot(t, other, "%s: in use by zone '%s'" % (names[other], zone))
            kz.has(t.run("zoneadm", "-z", other, "attach", status=1).stderr,
                   "attach failed: device 0: %s: in use by a program, or a zone" % names[other])
        t.run("zoneadm", "-z", zone, "halt")
        for other in others:
            attached(t, other)


@kz.test
def one_file_twice_in_a_zone(t):
    operator(t)
    path = image(t, "disk", MIB)
    os.link(path, t.path("again"))
    kz.has(zonecfg(t, "web", DEVICE % ("file", path) + DEVICE % ("file", t.path("again")), 1),
           "device 1: %s: device 0 is the same disk" % t.path("again"))
    os.unlink(t.path("again"))
    zone_with(t, "web", path, t.path("again"))
    os.link(path, t.path("again"))  # after all checks but the last
    does_not_boot(t, "web", "device 1: %s: device 0 is the same disk" % t.path("again"),
                  state="installed")


@kz.test
def directory_or_terminal(t):
    operator(t)
    os.mkdir(t.path("directory"))
    for path in (t.path("directory"), "/dev/null"):
        kz.has(zonecfg(t, "db", DEVICE % ("file", path), 1),
               "device 0: %s: neither a block device nor a file" % path)
    zone_with(t, "web", t.path("later"))
    os.mkdir(t.path("later"))
    does_not_boot(t, "web", "device 0: %s: neither a block device nor a file" % t.path("later"))


@kz.test
def two_devices_with_one_id(t):
    operator(t)
    two = "add device; set id=3; end; add device; set id=3; end; "
    kz.has(zonecfg(t, "db", two, 1), "another device has it already")
    image(t, "disk", MIB)
    zone_with(t, "web", t.path("disk"))
    config = t.json("etc/zones/web.json")  # by hand
    config["device"] = [{"id": 3}, disk(t.path("disk"), 3)]
    t.write("etc/zones/web.json", json.dumps(config))
    t.write("var/lib/zones/web/disk3", "\0" * MIB)
    does_not_boot(t, "web", "device 3: another device has this id", state="installed")


@kz.test
def more_devices_than_slots(t):
    operator(t)
    paths = [image(t, "d%d" % i, MIB) for i in range(17)]
    zone_with(t, "web", *paths[:16])
    t.run("zoneadm", "-z", "web", "boot")
    kz.eq([d["id"] for d in told(t, "web")], list(range(16)))
    t.run("zoneadm", "-z", "web", "halt")
    kz.has(zonecfg(t, "many", "".join(DEVICE % ("file", path) for path in paths), 1),
           "device: no id is free: a zone has at most 16")
    kz.has(t.run("zonecfg", "-z", "web", "select device id=15; set id=16", status=1).stderr,
           'device: id: "16": too large; allowed: 0 to 15')
    config = t.json("etc/zones/web.json")  # by hand
    config["device"].append(disk(paths[16], 3))
    t.write("etc/zones/web.json", json.dumps(config))
    does_not_boot(t, "web", "more than 16 devices", state="installed")


@kz.test
def nothing_to_boot_from_and_no_firmware(t):
    operator(t, KZONES_FIRMWARE=t.path("bios"))
    path = image(t, "disk", 8 * MIB)
    zone_with(t, "web", path)
    t.run("zonecfg", "-z", "web", "remove direct-boot; commit")
    does_not_boot(t, "web", "nothing to boot from: no device has bootpri",
                  'zonecfg -z web "select device id=0; set bootpri=0; end"', state="installed")
    t.run("zonecfg", "-z", "web", "select device id=0; set bootpri=0; end; commit")
    t.run("svcadm", "disable", "-t", "web")
    does_not_boot(t, "web", "firmware %s: No such file" % t.path("bios"),
                  "install the package seabios", state="installed")
    t.write("bios", "firmware")
    boots_after_all(t, "web")
    kz.eq(told(t, "web")[0]["flags"] & BOOTABLE, BOOTABLE)


@kz.test
def partition(t):
    operator(t)
    zone_with(t, "web", t.path("partition"), kind="dev")
    with Loop(image(t, "disk", 8 * MIB)) as loop:
        part = loop.partition(t.path("partition"))
        text = "device 0: %s: a partition: give the zone a whole disk (%s)" % (part, loop.name)
        does_not_boot(t, "web", text)
        kz.has(zonecfg(t, "db", DEVICE % ("dev", part), 1), text)


@kz.test
def block_device_of_another_zone(t):
    """By another node, whose locks the kernel does not compare with those of the first."""
    operator(t)
    with Loop(image(t, "disk", 8 * MIB)) as loop:
        node = loop.node(t.path("node"))
        zone_with(t, "db", t.path("later"), kind="dev")
        os.symlink(node, t.path("later"))
        zone_with(t, "web", loop.name, kind="dev")
        t.run("zoneadm", "-z", "web", "boot")
        kz.eq(told(t, "web")[0]["flags"] & READ_ONLY, 0)
        does_not_boot(t, "db", "later: in use by zone 'web'")
        t.run("zoneadm", "-z", "web", "halt")
        boots_after_all(t, "db")


@kz.test
def file_behind_a_loop_device(t):
    """An image that somebody has mounted to look inside; and the other way round."""
    path = web_with_image(t, 8 * MIB)
    with Loop(path) as loop:
        does_not_boot(t, "web", "device 0: %s: in use by %s" % (path, loop.name),
                      "losetup -d %s" % loop.name)
    with Loop(path, "-r"):
        boots_after_all(t, "web")
    t.run("zoneadm", "-z", "web", "boot")
    with Loop(path) as loop:
        zone_with(t, "db", loop.name, kind="dev")
        does_not_boot(t, "db", "device 0: %s: %s, which is behind it, is in use by another zone"
                      % (loop.name, path))


@kz.test
def block_device_without_a_medium(t):
    operator(t)
    with Loop(image(t, "none", 0)) as loop:
        zone_with(t, "web", loop.name, kind="dev")
        does_not_boot(t, "web", "device 0: %s: is empty" % loop.name)


kz.main()
