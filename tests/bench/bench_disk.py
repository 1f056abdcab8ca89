# SPDX-License-Identifier: BSD-2-Clause
"""read and write a disk of the built-in guest; peer: QEMU's virtio-blk-pci; limit: fio on the host

randread_4k_qd1_iops and the like: 4 KiB at random places at a depth of 1 and of 32;
seqread_128k_mbps, seqwrite_128k_mbps: 128 KiB one after the other at a depth of 8. One queue, the
same guest ELF, the same backing file with O_DIRECT, written before. fio does the same job on the
host through io_uring. More is better here; the aims are AIMS below.

The file stays in the build folder, or in KZ_BENCH_DIR, for the next run: where storage is thin or
copied on write, random writes to blocks that are new to it are some times slower than to old
ones, and then they are what is measured.

idle_cpu_percent, overhead_two_disks_mib: processor time and private memory, besides the
guest's RAM, of a process whose guest with two disks sits at its prompt.

Both have their vCPU on one processor and their disks' threads on another: on a host that is a
virtual machine itself the scheduler often takes a halted processor for one that is gone, and what
it does with two threads that wake each other would be most of the difference.

QEMU has two disks of the one file, which differ in how long their iothreads poll; the better one
counts in each figure. Both guests live as long as the benchmark; each cell is measured on all sides
one after the other before the next.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import benchlib
from benchlib import Metric

os.environ["KZ_BUILD"] = benchlib.BUILD
TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, d) for d in ("harness", "proc", "guest")]
import fake_restarter
import kz
import qemu

CELL_MS = int(os.environ.get("KZ_BENCH_MS", "300"))  # short and often: disks have moods
FILE_MIB = int(os.environ.get("KZ_BENCH_MIB", "1024"))
FILE = os.path.join(os.environ.get("KZ_BENCH_DIR", benchlib.BUILD), "bench-disk.img")
POLL_NS = (32768, 0)  # of QEMU's iothreads: its default, and none
IDLE_S = 3
OVERHEAD_AIM_MIB = 6
IDLE_AIM_PERCENT = 0.5

# Aims: so many times the peer's, so many times the limit's.
DEEP, SHALLOW, SEQUENTIAL = (1.3, None), (1.0, None), (None, 0.9)

# metric, kind, bytes of a request, depth, aim
CELLS = [
    ("randread_4k_qd1_iops", "randread", 4096, 1, SHALLOW),
    ("randread_4k_qd32_iops", "randread", 4096, 32, DEEP),
    ("randwrite_4k_qd1_iops", "randwrite", 4096, 1, SHALLOW),
    ("randwrite_4k_qd32_iops", "randwrite", 4096, 32, DEEP),
    ("seqread_128k_mbps", "seqread", 131072, 8, SEQUENTIAL),
    ("seqwrite_128k_mbps", "seqwrite", 131072, 8, SEQUENTIAL),
]

FIO_KINDS = {"seqread": "read", "seqwrite": "write"}
ANSWER = re.compile(r"disk bench: .*: (\d+) iops, (\d+) MB/s, .* (\d+) errors")


def metrics():
    for name, _, _, _, (of_peer, of_limit) in CELLS:
        yield Metric(name, name.rsplit("_", 1)[1], least_of_peer=of_peer, least_of_limit=of_limit)
    yield Metric("idle_cpu_percent", "%", IDLE_AIM_PERCENT)
    yield Metric("overhead_two_disks_mib", "MiB", OVERHEAD_AIM_MIB)


def spread(pid, vcpu, disk):
    """Puts the threads whose names are alike on processors of their own."""
    for thread, name in kz.of_threads(pid, "comm").items():
        cpus = sorted(os.sched_getaffinity(0))
        if re.match(vcpu, name):
            os.sched_setaffinity(thread, {cpus[0]})
        elif re.match(disk, name):
            os.sched_setaffinity(thread, {cpus[-1]})


class Kzhost:
    """kzhost with two disks, driven as svc.zones drives it."""

    def __init__(self, t, path):
        host = fake_restarter.Host(t, "t1")
        client = fake_restarter.Client(host)
        control = host.connect()
        kz.eq(control.create(), (0, ""), "create")
        for n in range(2):
            kz.eq(control.disk(path, n, direct=True), (0, ""), "disk")
        control.good("start")
        self.pid, self.control, self.client = host.pid, control, client
        self.client.read_until(qemu.PROMPT)
        kz.wait_for(lambda: control.status()["resident_bytes"] >= fake_restarter.RAM,
                    "guest memory is filled", 300)
        spread(self.pid, "vcpu", "vblk")

    def command(self, line):
        self.client.send(line + "\r")
        return self.client.read_until("\n" + qemu.PROMPT)


class Qemu:
    """QEMU with two disks, an iothread each."""

    def __init__(self, path):
        args = ["-name", "bench,debug-threads=on"]
        for n, poll in enumerate(POLL_NS):
            args += ["-object", f"iothread,id=io{n},poll-max-ns={poll}",
                     "-blockdev", f"driver=file,node-name=file{n},filename={path},aio=io_uring,"
                                  "cache.direct=on,locking=off",
                     "-blockdev", f"driver=raw,node-name=disk{n},file=file{n},cache.direct=on",
                     "-device", f"virtio-blk-pci,drive=disk{n},iothread=io{n},disable-legacy=on,"
                                "num-queues=1,packed=off,event_idx=on"]
        self.guest = qemu.Guest("kvm", machine="q35", args=args)
        self.pid = self.guest.proc.pid
        self.guest.wait_prompt()
        spread(self.pid, "CPU 0/KVM", "IO io")

    def command(self, line):
        return self.guest.command(line)

    def close(self):
        self.guest.__exit__()


def bench(machine, disk, cell):
    """What a guest measures."""
    name, kind, size, depth, _ = cell
    seen = machine.command(f"disk bench {disk} {kind} {size} {depth} {CELL_MS}")
    m = ANSWER.search(seen)
    if not m or m.group(3) != "0":
        raise RuntimeError("the guest said: " + seen)
    return float(m.group(2 if name.endswith("mbps") else 1))


def fio(path, cell):
    """What fio measures on the host."""
    name, kind, size, depth, _ = cell
    result = benchlib.run_json(
        "fio", "--name=bench", f"--filename={path}", f"--size={FILE_MIB}M",
        f"--rw={FIO_KINDS.get(kind, kind)}", f"--bs={size}", f"--iodepth={depth}", "--direct=1",
        "--ioengine=io_uring", "--time_based", f"--runtime={CELL_MS}ms", "--randrepeat=0",
        "--norandommap", "--output-format=json")
    side = result["jobs"][0]["write" if "write" in kind else "read"]
    return side["bw_bytes"] / 1e6 if name.endswith("mbps") else side["iops"]


def idle(machines):
    """Figures of guests that do nothing, all at the same time."""
    before, begin = [fake_restarter.cpu_use(m.pid)[0] for m in machines], time.monotonic()
    time.sleep(IDLE_S)
    after, took = [fake_restarter.cpu_use(m.pid)[0] for m in machines], time.monotonic() - begin
    return [{"idle_cpu_percent": (a - b) / took / 1e7,
             "overhead_two_disks_mib": fake_restarter.private_bytes(m.pid) / (1 << 20)}
            for a, b, m in zip(after, before, machines)]


def prepare(path):
    """A file without holes; one that is there already is as good."""
    if os.path.exists(path) and os.path.getsize(path) == FILE_MIB << 20:
        return
    chunk = os.urandom(1 << 20)
    with open(path, "wb") as f:
        for _ in range(FILE_MIB):
            f.write(chunk)
        os.fdatasync(f.fileno())


def best(variants):
    """Of runs with several variants of the peer: each metric of the variant that is better."""
    names = {name for figures in variants[0] for name in figures}
    chosen = {name: max(variants, key=lambda runs: benchlib.median(runs, name)) for name in names}
    return [{name: runs[i][name] for name, runs in chosen.items()}
            for i in range(len(variants[0]))]


def collect(machines, path, runs, tell):
    """{side: [figures of a run, ...]}; within a run, the sides take turns in every cell."""
    ours, peer = machines
    sides = [lambda cell: bench(ours, 0, cell), lambda cell: fio(path, cell)]
    sides += [lambda cell, disk=disk: bench(peer, disk, cell) for disk in range(len(POLL_NS))]
    quiet = idle(machines)
    seen = [[{} for _ in range(runs)] for _ in sides]
    for i in range(runs):
        for n, cell in enumerate(CELLS):
            for side in range(len(sides)):
                turn = (side + i + n) % len(sides)
                seen[turn][i][cell[0]] = sides[turn](cell)
        tell("run %d of %d" % (i + 1, runs))
    return {"ours": [dict(f, **quiet[0]) for f in seen[0]], "limit": seen[1],
            "peer": [dict(f, **quiet[1]) for f in best(seen[2:])]}


def run():
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        sys.exit("bench: disk: no usable /dev/kvm")
    for program in ("qemu-system-x86_64", "fio"):
        if not shutil.which(program):
            sys.exit("bench: disk: no " + program)
    t = kz.Case("bench_disk")
    peer = None
    try:
        prepare(FILE)
        ours, peer = Kzhost(t, FILE), Qemu(FILE)
        benchlib.main("disk", list(metrics()), None, runs=24,
                      collect=lambda _, runs, tell, __: collect((ours, peer), FILE, runs, tell))
    except AssertionError as e:
        sys.exit("bench: disk: %s" % e)
    finally:
        if peer:
            peer.close()
        t.finish(True)


run()
