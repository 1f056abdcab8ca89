# SPDX-License-Identifier: BSD-2-Clause
"""boot the built-in guest to its greeting and power it off; peer: QEMU -M microvm

wall_ms: from the spawn of the program to its end, greeting and power-off in between.
cpu_ms: user and system time of the program. overhead_mib: resident memory besides the guest's
RAM, while the guest is at its prompt. startvm.c says what exactly is counted.
"""

import os
import shutil
import sys

import benchlib
from benchlib import Metric

RAM_MIB = "128"
WALL_AIM = 0.25  # of the peer's
OVERHEAD_AIM_MIB = 6

METRICS = [
    Metric("wall_ms", "ms", lambda peer: WALL_AIM * peer),
    Metric("cpu_ms", "ms"),
    Metric("overhead_mib", "MiB", lambda peer: OVERHEAD_AIM_MIB),
]

PROGRAMS = {
    "ours": ("kzhost", benchlib.build_path("kzhost", "kzhost")),
    "peer": ("qemu", "qemu-system-x86_64"),
}


def startvm(side, kind):
    return benchlib.run_json(benchlib.build_path("tests", "bench", "startvm"), *PROGRAMS[side],
                             benchlib.build_path("tests", "guest", "guest.elf"), RAM_MIB, kind)


def measure(side):
    figures = startvm(side, "time")
    figures["overhead_mib"] = startvm(side, "memory")["other_kib"] / 1024
    return figures


if not os.access("/dev/kvm", os.R_OK | os.W_OK):
    sys.exit("bench: start: no usable /dev/kvm")
if not shutil.which("qemu-system-x86_64"):
    sys.exit("bench: start: no qemu-system-x86_64")
benchlib.main("start", METRICS, measure, runs=15)
