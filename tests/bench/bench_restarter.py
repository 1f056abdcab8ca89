# SPDX-License-Identifier: BSD-2-Clause
"""the restarter with many zones: core, daemon, svcs, status; systemd as a peer, in the host rig

core_boot_10k_cpu_s, core_step_us, core_bytes_per_zone: the pure core alone boots 10,000 zones in
simulated time (corebench.c). daemon_boot_1k_s: svc.zones, from its spawn until 1,000 zones
are online, 32 at a time, each with a process that plays kzhost (fakehost.c).
daemon_cpu_us_per_transition: its processor time for that, by changes of state it logged.
svcs_10k_ms: `svcs -a` over 10,000 instances, from its spawn to its end. status_write_us:
processor time of svc.zones for one change of one of 1,000 zones and the status.json that
follows. Roots are in memory, where fsync(2) costs nothing. rig_boot_200_s: 200 such zones
and, after them, 200 services of systemd that do nothing and depend on each other in the same
way, both in the host rig (emulated: only the ratio means anything, and 1,000 of each take a
quarter of an hour); once, not in every run. A peer that is not there is
named: Debian 12 packages s6, but not s6-rc, which is what has dependencies, nor dinit.
"""

import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import benchlib
import manyzones
from benchlib import Metric

os.environ.setdefault("KZ_BUILD", benchlib.BUILD)
os.environ.setdefault("KZONES_KVM", "/dev/null")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import kz

MEMORY = "/dev/shm"
LIMIT = 32
WRITES = 10
HERE = os.path.dirname(os.path.abspath(__file__))
RIG_SECONDS = 1200
RIG_TOOLS = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "debugfs", "cpio")

METRICS = [
    Metric("core_boot_10k_cpu_s", "s", 1),
    Metric("core_step_us", "us", 5),
    Metric("core_bytes_per_zone", "bytes", 2048),
    Metric("daemon_boot_1k_s", "s"),
    Metric("daemon_cpu_us_per_transition", "us"),
    Metric("svcs_10k_ms", "ms", 100),
    Metric("status_write_us", "us"),
    Metric("rig_boot_200_s", "s"),
]


def cpu_us(pid):
    """Processor time of a process with one thread."""
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1000


def populate(t, n, autoboot):
    """A root with n installed zones; each depends on two earlier ones."""
    manyzones.populate(t.path(), n, autoboot, LIMIT,
                       benchlib.build_path("tests", "bench", "fakehost"))


def case():
    """A root in memory."""
    tempfile.tempdir = MEMORY if os.access(MEMORY, os.W_OK) else None
    return kz.Case("bench")


def boot_1k():
    t = case()
    try:
        populate(t, 1000, True)
        begin = time.monotonic()
        svc = t.svc_start()
        c = t.connect()
        c.send("Monitor", {}, more=True)
        states = {}
        while len(states) < 1000 or set(states.values()) != {"online"}:
            for i in c.receive()["parameters"]["instances"]:
                states[i["zone"]] = i["state"]
                if i["state"] == "maintenance":
                    raise RuntimeError("%s: %s" % (i["zone"], i["reason"]))
        took = time.monotonic() - begin
        transitions = svc.output().count(" -> ")
        c.close()
        result = {"daemon_boot_1k_s": took,
                  "daemon_cpu_us_per_transition": cpu_us(svc.pid) / transitions}
        result["status_write_us"] = status_write(t, svc.pid)
        t.svc_stop()
        return result
    finally:
        t.finish(True)


def status_write(t, pid):
    """Changes far enough from each other that each has a status.json of its own."""
    path, c, used = t.path("run/zones/status.json"), t.connect(), 0
    for _ in range(WRITES):
        inode, begin = os.stat(path).st_ino, cpu_us(pid)
        c.call("Refresh", zone="z00500")
        kz.wait_for(lambda: os.stat(path).st_ino != inode, "status.json is replaced")
        used += cpu_us(pid) - begin
    c.close()
    return used / WRITES


def svcs_10k():
    t = case()
    try:
        populate(t, 10000, False)
        t.svc_start()
        program, env = kz.find_program("svcs"), t.env()
        begin = time.monotonic()
        r = subprocess.run([program, "-a"], env=env, stdout=subprocess.PIPE, text=True)
        took = time.monotonic() - begin
        if r.stdout.count("\n") != 10002:
            raise RuntimeError("svcs: %d lines" % r.stdout.count("\n"))
        t.svc_stop()
        return {"svcs_10k_ms": took * 1000}
    finally:
        t.finish(True)


def missing(peer, why):
    print("bench: peer not installed: %s (%s)" % (peer, why), file=sys.stderr)


@functools.lru_cache(maxsize=None)
def rig():
    """{"ours": [...], "systemd": [...]} of a run in the host rig; {} when there is none."""
    lacks = [tool for tool in RIG_TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0 or lacks:
        missing("systemd, in the host rig", "lacks " + " ".join(lacks) if lacks else "not root")
        return {}
    give = {name: os.path.join(HERE, name) for name in ("manyzones.py",)}
    give["fakehost"] = benchlib.build_path("tests", "bench", "fakehost")
    files = [a for name, path in give.items()
             for a in ("-f", "%s=/usr/lib/hostvm/%s" % (path, name))]
    done = subprocess.run(
        [os.path.join(HERE, "..", "..", "scripts", "hostvm"), "run", "-t", str(RIG_SECONDS),
         *files, os.path.join(HERE, "restarter_in_host.py")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode == 126:
        missing("systemd, in the host rig", "its image cannot be built")
        return {}
    if done.returncode or not lines:
        raise RuntimeError("the host rig: exit status %d:\n%s" % (done.returncode, done.stdout))
    return json.loads(lines[-1])


def rig_figure(side):
    figures = rig().get("ours" if side == "ours" else "systemd")
    return {"rig_boot_200_s": statistics.median(figures)} if figures else {}


def measure(side):
    if side == "peer":
        return rig_figure(side)
    core = benchlib.run_json(benchlib.build_path("tests", "bench", "corebench"), "10000")
    return {"core_boot_10k_cpu_s": core["cpu_s"], "core_step_us": core["step_us"],
            "core_bytes_per_zone": core["bytes_per_zone"], **boot_1k(), **svcs_10k(),
            **rig_figure(side)}


try:
    if not shutil.which("s6-rc"):
        missing("s6-rc", "Debian 12 has no such package")
    benchlib.main("restarter", METRICS, measure, runs=3)
except AssertionError as e:
    sys.exit("bench: restarter: %s" % e)
