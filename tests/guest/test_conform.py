# SPDX-License-Identifier: BSD-2-Clause
"""The guest's conformance suite (`conform`) on QEMU's devices, as a check of the suite.

QEMU 7.2 is not the measure, the specification is: DIFFERENCES says which checks QEMU fails,
and why. Whatever is not named there has to pass, and what is named has to fail. The first
argument is QEMU's accelerator.
"""

import re
import sys

import kz
import qemu

ACCEL = sys.argv.pop(1)
LINE = r"(?m)^conform ([\d.]+) (ok|FAIL|n/a) (.*)$"

# (device, clause, beginning of the check's text): reason
DIFFERENCES = {
    ("disk", "2.1.2", "no buffer is used"):
        "QEMU serves a disk's queues before DRIVER_OK",
    ("con", "2.1.2", "no buffer is used"):
        "QEMU serves a console's queues before DRIVER_OK",
    ("disk", "2.2.2", "a feature that was not"):
        "QEMU drops features that it did not offer and keeps FEATURES_OK",
    ("con", "2.2.2", "a feature that was not"): "as above",
    ("rng", "2.2.2", "a feature that was not"): "as above",
    ("disk", "2.7.5.3.2", "descriptors followed"):
        "QEMU looks for INDIRECT in the first descriptor of a chain only",
    ("disk", "5.2.5.2", "CONFIG_WCE without"):
        "QEMU leaves the cache as it was configured",
    ("disk", "5.2.5.2", "padding is 0"):
        "QEMU's configuration ends before unused1, and reads as ones behind its end",
}
# What does not apply to QEMU's devices as they are set up here.
NOT_APPLICABLE = {("disk", "a write to a read-only disk")}


def machine(t, drive=""):
    path = t.path("disk")
    with open(path, "wb") as f:
        f.truncate(4 << 20)
    return qemu.Guest(ACCEL, machine="q35", args=[
        "-drive", f"if=none,id=d0,file={path},format=raw,discard=unmap{drive}",
        "-device", "virtio-blk-pci,drive=d0,disable-legacy=on,num-queues=2",
        "-device", "virtio-rng-pci,disable-legacy=on",
        "-device", "virtio-serial-pci,disable-legacy=on,max_ports=4",
        "-chardev", "null,id=c0", "-device", "virtserialport,chardev=c0,name=org.kzones.goals"])


def run(g, device):
    """Runs the suite on a device; what was not as the tables above say."""
    wrong = []
    seen = g.command(f"conform {device}")
    checks = re.findall(LINE, seen)
    qemu.check(len(checks) > 50, seen)
    for clause, result, text in checks:
        expected = "ok"
        if any((device, clause) == k[:2] and text.startswith(k[2]) for k in DIFFERENCES):
            expected = "FAIL"
        if any(device == k[0] and text.startswith(k[1]) for k in NOT_APPLICABLE):
            expected = "n/a"
        if result != expected:
            wrong.append(f"{device} {clause} {result}, expected {expected}: {text}")
    return wrong


@kz.test
def devices_conform_but_for_known_differences(t):
    with machine(t) as g:
        g.wait_prompt()
        kz.eq([w for device in ("disk", "con", "rng") for w in run(g, device)], [])


@kz.test
def read_only_disk_is_not_written(t):
    with machine(t, drive=",readonly=on") as g:
        g.wait_prompt()
        kz.has(g.command("conform disk"), "conform 5.2.6.2 ok a write to a read-only disk fails "
               "and writes nothing\n")


@kz.test
def quiet_prints_failures_and_the_sum(t):
    with machine(t) as g:
        g.wait_prompt()
        qemu.match(r"conform: entropy in slot \d+\nconform 2\.2\.2 FAIL a feature .*\n"
                   r"conform: \d+ checks, \d+ ok, 1 failed, 0 not applicable\n",
                   g.command("conform quiet rng"))
        kz.has(g.command("conform quiet rng 1"), "conform: there is no such device\n")
        kz.eq(g.command("conform disk x"), "conform: N must be a number\n")


kz.main()
