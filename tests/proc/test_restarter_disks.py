# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones opens a zone's disks: what kzhost is told of them, and which disks are none."""

import fcntl
import os

import kz
from restarter import (BOOTABLE, MIB, READ_ONLY, call, check_status, configure, disk, image, lock,
                       maintenance, now, refused, setup, status, told, unavailable)


@kz.test
def disks_are_described_and_handed_over(t):
    first, second = image(t, "first", 64 * MIB), image(t, "second", MIB + 100)
    configure(t, "db", device=[disk(first, 4, bootpri=1), disk(second, 0)])
    setup(t, "db")
    call(t, "Boot", zone="db")
    t.wait_instance("db", "online")
    a, b = told(t, "db")
    messages = t.read("var/log/zones/messages.db")  # which file a device is kept in
    kz.has(messages, "vblk4: %s, %d bytes" % (first, 64 * MIB))
    kz.has(messages, "vblk0: %s, %d bytes" % (second, MIB + 100))
    kz.eq((a["id"], a["bootpri"], a["bytes"]), (4, 1, 64 * MIB))
    kz.eq((b["id"], b["bootpri"], b["bytes"]), (0, 0, MIB + 100))
    kz.eq(a["flags"] & (BOOTABLE | READ_ONLY), BOOTABLE)
    kz.eq(b["flags"] & (BOOTABLE | READ_ONLY), 0)
    kz.eq(set(a["fds"]), {first})
    kz.eq(a["flags_of_fds"][0] & os.O_NONBLOCK, 0)
    kz.eq(len(a["serial"]) <= 20 and a["serial"] != b["serial"], True)
    if len(a["fds"]) == 3:
        kz.eq(a["flags_of_fds"][2] & os.O_DIRECT, os.O_DIRECT)
        kz.eq(a["mem_align"] > 0 and a["offset_align"] > 0, True)
    else:
        kz.eq((a["mem_align"], a["offset_align"]), (0, 0))


@kz.test
def file_that_nobody_may_write_is_a_read_only_disk(t):
    path = image(t, "cd", MIB)
    os.chmod(path, 0o444)
    configure(t, "db", device=[disk(path)])
    configure(t, "web", device=[disk(path)])
    setup(t, "db", "web")
    for zone in ("db", "web"):  # and two zones may share it
        call(t, "Boot", zone=zone)
        t.wait_instance(zone, "online")
        kz.eq(told(t, zone)[0]["flags"], READ_ONLY)
        kz.has(t.read("var/log/zones/messages." + zone), "vblk0: %s, %d bytes, read-only" % (path, MIB))
        kz.eq(told(t, zone)[0]["flags_of_fds"][0] & os.O_ACCMODE, os.O_RDONLY)


@kz.test
def zone_keeps_its_disk_until_its_process_ends(t):
    path = image(t, "disk", MIB)
    configure(t, "db", device=[disk(path)])
    configure(t, "web", device=[disk(path)])
    setup(t, "db", "web")
    call(t, "Boot", zone="db")
    t.wait_instance("db", "online")
    unavailable(t, "web", "device 0: %s: in use by zone 'db'" % path)
    t.svc_kill()  # the restarter's death changes nothing
    t.svc_start()
    t.wait_instance("db", "online")
    kz.eq(t.zone("web")["state"], "unavailable")
    text = "device 0: %s: in use by a program, or a zone, that has locked it" % path
    kz.wait_for(lambda: "zone=web stays unavailable: " + text in t.svc.output(), "a look")
    kz.has(refused(t, "Failed", "Clear", zone="web"), text)
    kz.has(t.instance("web")["reason"], text)
    call(t, "Halt", zone="db")
    call(t, "Clear", zone="web")
    t.wait_instance("web", "online")


@kz.test
def zone_boots_again_at_once(t):
    configure(t, "db", device=[disk(image(t, "disk", MIB))])
    setup(t, "db")
    call(t, "Boot", zone="db")
    for _ in range(20):
        call(t, "Reboot", zone="db")
        t.wait_instance("db", "online")


@kz.test
def what_is_no_disk_is_refused_with_the_reason(t):
    locked = image(t, "locked", MIB)
    holder = lock(locked)
    shared = image(t, "shared", MIB)
    reader = lock(shared, fcntl.F_RDLCK)
    posix = open(image(t, "posix", MIB), "r+b")
    fcntl.lockf(posix, fcntl.LOCK_EX)
    deep = os.path.join(*["d" * 60] * 5)
    os.makedirs(t.path(deep))
    os.mkdir(t.path("directory"))
    bad = {
        "missing": (t.path("nowhere"), "does not exist", "truncate -s"),
        "empty": (image(t, "none", 0), "is empty", "truncate -s"),
        "tiny": (image(t, "few", 511), "is smaller than a sector", "truncate -s"),
        "directory": (t.path("directory"), "neither a block device nor a file"),
        "device": ("/dev/null", "neither a block device nor a file"),
        "locked": (locked, "in use by a program that has locked it", "fuser -v"),
        "shared": (shared, "in use by a program that has locked it"),
        "posix": (posix.name, "in use by process %d, which has locked it" % os.getpid()),
    }
    for zone, (path, *_) in bad.items():
        configure(t, zone, device=[disk(path, 2)])
    configure(t, "deep", device=[disk(image(t, deep + "/none", 0), 2)])
    configure(t, "os", device=[disk(image(t, "os", MIB), 2, bootpri=0)])
    setup(t, "deep", "os", *bad)
    for zone, (path, *parts) in bad.items():
        unavailable(t, zone, "device 2: %s: " % path, *parts)
    # Of a long path the end: what is wrong with it has room.
    unavailable(t, "deep", "device 2: ...", "d/none: is empty", "or an image")
    unavailable(t, "os", "device 2: ", "1048576 bytes are too few",
                "the last 1 MiB is the host's")
    holder.close()
    reader.close()
    call(t, "Clear", zone="locked")
    t.wait_instance("locked", "online")


@kz.test
def zone_without_kernel_boots_firmware_from_a_bootable_disk(t):
    firmware = t.path("bios")
    t.write("bios", "firmware")
    path = image(t, "disk", 8 * MIB)
    configure(t, "none", kernel=False)
    configure(t, "data", kernel=False, device=[disk(path, 7)])
    configure(t, "os", kernel=False, device=[disk(path, 1, bootpri=0)])
    setup(t, "none", "data", "os", KZONES_FIRMWARE=firmware)
    maintenance(t, "none", "nothing to boot from", 'zonecfg -z none "add device; set storage=')
    maintenance(t, "data", "nothing to boot from",
                'zonecfg -z data "select device id=7; set bootpri=0; end"')
    call(t, "Boot", zone="os")
    t.wait_instance("os", "online")
    kz.eq(t.json("fake/os.create")["mask"], 1 | 1 << 3 | 1 << 4 | 1 << 5)
    call(t, "Halt", zone="os")
    os.unlink(firmware)
    maintenance(t, "os", "firmware %s" % firmware, "install the package seabios")


@kz.test
def devices_that_zonecfg_would_not_have_let_in(t):
    disks = [disk(image(t, "d%d" % i, MIB), i) for i in range(17)]
    configure(t, "many", device=disks[:16] + [dict(disks[16], id=3)])
    configure(t, "double", device=[disks[0], dict(disks[1], id=0)])
    os.symlink(t.path("d0"), t.path("link"))
    configure(t, "twin", device=[disk(t.path("d0"), 1), disk(t.path("link"), 2)])
    setup(t, "many", "double", "twin")
    maintenance(t, "many", "more than 16 devices")
    maintenance(t, "double", "device 0: another device has this id")
    maintenance(t, "twin", "device 2: %s: device 1 is the same disk" % t.path("link"))


@kz.test
def disk_that_kzhost_refuses_is_the_reason(t):
    configure(t, "db", device=[disk(image(t, "disk", MIB))])
    setup(t, "db")
    t.write("fake/db", "disk fail device 0: too few bytes\n")
    maintenance(t, "db", "device 0: too few bytes")


@kz.test
def what_devices_count_is_in_the_status(t):
    disks = [image(t, name, MIB) for name in ("first", "second")]
    os.chmod(disks[1], 0o444)
    configure(t, "db", device=[disk(path, i) for i, path in enumerate(disks)])
    setup(t, "db")
    kz.eq(status(t, "db")["devices"], None)
    call(t, "Boot", zone="db")
    t.wait_instance("db", "online")
    kz.wait_for(lambda: (status(t, "db")["devices"] or {}).get("disks") == 2, "counts")
    page_cache = sum(len(d["fds"]) < 3 for d in told(t, "db"))
    kz.eq(status(t, "db")["devices"], {"guest_errors": 0, "disks": 2, "disk_errors": 0,
                                       "disks_read_only": 1, "disk_engine": "io_uring",
                                       "disks_page_cache": page_cache})
    now(t, "db", "counts 7 3")
    kz.wait_for(lambda: status(t, "db")["devices"]["guest_errors"] == 7, "new counts")
    kz.eq(status(t, "db")["devices"]["disk_errors"], 3)
    kz.eq(t.instance("db")["devices"], status(t, "db")["devices"])
    text = t.run("svcs", "-l", "db").stdout
    for line in ("disks        2 by io_uring, 1 read-only", "disk_errors  3", "guest_errors 7"):
        kz.has(text, line)
    t.svc_kill()
    t.svc_start()
    kz.wait_for(lambda: (status(t, "db")["devices"] or {}).get("disk_errors") == 3, "adopted")
    check_status(t)


kz.main()
