# SPDX-License-Identifier: BSD-2-Clause
"""The guest's misdeeds (`evil`) on QEMU's devices.

What a device has to do about a driver that breaks the rules is for the most part not in the
specification; the guest's expectations are those of kzhost. DIFFERENCES says where QEMU 7.2
does something else, and what; everything not named there has to be as expected. The first
argument is QEMU's accelerator.
"""

import re
import sys

import kz
import qemu

ACCEL = sys.argv.pop(1)

# misdeed: (outcomes, reason); None: not tried, because QEMU would not end.
DIFFERENCES = {
    "addr-nowhere": ("ok", "QEMU gives what is not RAM a bounce buffer"),
    "addr-device": (None, "QEMU writes into its own registers, resets itself and hangs"),
    "addr-wrap": ("ok", "as above"),
    "header-nowhere": ("ok", "as above: the header reads as zeros"),
    "status-nowhere": ("error", "as above: the status is lost"),
    "chain-long": ("error", "QEMU allows indirect chains up to 1024 whatever the queue's size"),
    "indirect-next": ("ok", "QEMU ignores NEXT beside INDIRECT"),
    "indirect-unasked": ("ok", "QEMU does not ask whether INDIRECT_DESC was negotiated"),
    "data-readable": ("ok", "QEMU reads no sectors then"),
    "avail-jump": ("ok|needs-reset", "QEMU counts what is in flight, not how far "
                   "the index is ahead"),
    "avail-back": (None, "QEMU goes through 65535 requests; with an iothread it hangs"),
    "head-twice": ("ok", "QEMU does not know which heads are in flight"),
    "early-kick": ("ok", "QEMU serves enabled queues before DRIVER_OK"),
    "size-odd": ("ok", "QEMU takes any size up to its maximum"),
    "size-late": ("taken", "QEMU does not freeze queue registers at DRIVER_OK"),
    "disable-late": ("bad", "QEMU marks the device broken without NEEDS_RESET"),
    "rings-late": ("taken", "QEMU does not freeze queue registers at DRIVER_OK"),
    "features-unknown": ("taken", "QEMU drops unknown features and keeps FEATURES_OK"),
    "features-old": ("taken", "QEMU does not insist on VERSION_1"),
    "features-late": ("taken", "the register echoes what was written"),
    "features-skipped": ("ok", "QEMU does not insist on FEATURES_OK"),
    "status-cleared": ("taken", "QEMU clears status bits"),
    "status-reserved": ("taken", "QEMU keeps any status bits"),
    "queue-absent": ("taken", "QEMU ignores a queue_select that is too large"),
    "master-off": ("ok|bad", "QEMU does not wait for the reads it has begun: where they are "
                   "slow enough they still end in memory"),
    "rng-nowhere": ("ok|nothing", "a bounce buffer again"),
    "con-nowhere": ("ok|error", "a bounce buffer again"),
}
# How long to wait where QEMU differs: "bad" is a disk that never answers again.
LONG_MS = 40000
WAIT_MS = {"ok|nothing": 0, "bad": 300}
LINE = r"evil {} (\S+) other (\S+) recovery (\S+): (ok|FAIL)\n"


def machine(t):
    args = []
    for n in range(2):
        path = t.path(f"disk{n}")
        with open(path, "wb") as f:
            f.truncate(4 << 20)
        args += ["-drive", f"if=none,id=d{n},file={path},format=raw",
                 "-device", f"virtio-blk-pci,drive=d{n},disable-legacy=on"]
    args += ["-device", "virtio-rng-pci,disable-legacy=on",
             "-device", "virtio-serial-pci,disable-legacy=on,max_ports=4",
             "-chardev", "null,id=c0", "-device", "virtserialport,chardev=c0,name=port"]
    return qemu.Guest(ACCEL, machine="q35", args=args)


@kz.test
def every_misdeed_has_its_outcome(t):
    wrong = []
    with machine(t) as g:
        g.wait_prompt()
        names = re.findall(r"(?m)^evil (\S+): ", g.command("evil list"))
        qemu.check(len(names) > 70 and set(DIFFERENCES) <= set(names), names)
        for name in names:
            outcome, _ = DIFFERENCES.get(name, ("", ""))
            if outcome is None:
                continue
            seen = g.command(f"evil {name} 0 {WAIT_MS.get(outcome, LONG_MS if outcome else 0)}")
            m = re.search(LINE.format(name), seen)
            qemu.check(m, seen)
            if (m[2], m[3]) != ("ok", "ok") or (
                    m[1] not in outcome.split("|") if outcome else m[4] != "ok"):
                wrong.append(seen)
    kz.eq(wrong, [], "not as expected")


@kz.test
def no_such_misdeed_or_disk(t):
    with machine(t) as g:
        g.wait_prompt()
        kz.eq(g.command("evil kindness"), "evil: 0 misdeeds, 0 not as expected\n")
        kz.eq(g.command("evil loop x"), "evil: N must be a number\n")
        kz.has(g.command("evil loop 2"), "disk: there is no disk 2\n")


kz.main()
