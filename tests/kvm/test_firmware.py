# SPDX-License-Identifier: BSD-2-Clause
"""Zones that boot by firmware, from zonecfg to what firmware is told; the image is made here."""

import os
import struct

import kz

KIB = 1024
MIB = 1 << 20
COM1, SELECT, DATA = 0x3f8, 0x510, 0x511
BOOT_ORDER = 0x26  # the item that is added last


def tiny(size=64 * KIB):
    """An image that copies fw_cfg's boot order to the serial port, then halts."""
    loop = (b"\xba" + struct.pack("<H", DATA) + b"\xec"      # mov $DATA, %dx; in %dx, %al
            + b"\x84\xc0" + b"\x74\x06"                      # test %al, %al; jz the end
            + b"\xba" + struct.pack("<H", COM1) + b"\xee")   # mov $COM1, %dx; out %al, %dx
    code = (b"\xfa\xba" + struct.pack("<H", SELECT)          # cli; mov $SELECT, %dx
            + b"\xb8" + struct.pack("<H", BOOT_ORDER)        # mov $BOOT_ORDER, %ax
            + b"\xef" + loop)                                # out %ax, %dx
    code += b"\xeb" + struct.pack("b", -len(loop) - 2)       # jmp loop
    code += (b"\xba" + struct.pack("<H", COM1) + b"\xb0.\xee"  # mov '.', %al; out %al, %dx
             + b"\xf4\xeb\xfd")                              # hlt, for ever
    image = bytearray(size)
    image[-256:-256 + len(code)] = code
    image[-16:-13] = b"\xe9" + struct.pack("<h", -243)       # the reset vector: jmp code
    return bytes(image)


def configure(t, zone, *disks):
    text = "create -b; add capped-memory; set physical=32M; end; " \
           "add virtual-cpu; set ncpus=1; end; "
    for number, bootpri in disks:
        path = t.path("%s-%d" % (zone, number))
        with open(path, "wb") as f:
            f.truncate(4 * MIB)
        text += "add device; set storage=file://%s; set id=%d; " % (path, number)
        text += "end; " if bootpri is None else "set bootpri=%d; end; " % bootpri
    t.run("zonecfg", "-z", zone, text + "commit")
    t.run("zoneadm", "-z", zone, "install")


@kz.test
def disks_are_tried_by_bootpri_then_id(t):
    kz.need_kvm()
    with open(t.path("bios"), "wb") as f:
        f.write(tiny())
    t.svc_start(KZONES_FIRMWARE=t.path("bios"))
    configure(t, "db", (3, 1), (15, 0), (7, None), (0, 1))
    t.run("zoneadm", "-z", "db", "boot")
    t.wait_text("var/log/zones/console.db",
                "/pci@i0cf8/scsi@12/disk@0,0\n/pci@i0cf8/scsi@3/disk@0,0\n"
                "/pci@i0cf8/scsi@6/disk@0,0\nHALT.")
    kz.eq(t.instance("db")["state"], "online")
    t.run("zoneadm", "-z", "db", "halt")


@kz.test
def firmware_of_impossible_size_is_the_reason(t):
    kz.need_kvm()
    bios = t.path("bios")
    t.svc_start(KZONES_FIRMWARE=bios)
    configure(t, "db", (0, 0))
    for size, reason in ((0, "firmware: the file is empty"),
                         (64 * KIB + 512, "firmware: 66048 bytes: a multiple of 64 KiB"),
                         (17 * MIB, "at most 16 MiB, is possible")):
        with open(bios, "wb") as f:
            f.truncate(size)
        t.run("zoneadm", "-z", "db", "boot", status=None)
        t.wait_instance("db", "maintenance")
        kz.has(t.instance("db")["reason"], reason)
        t.run("svcadm", "clear", "db", status=None)
        t.run("zoneadm", "-z", "db", "halt", status=None)
    os.unlink(bios)
    t.run("zoneadm", "-z", "db", "boot", status=None)
    t.wait_instance("db", "maintenance")
    kz.has(t.instance("db")["reason"], "install the package seabios")


kz.main()
