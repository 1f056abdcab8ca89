# SPDX-License-Identifier: BSD-2-Clause
"""the restarter with many zones: core, daemon, svcs, status; no peer, absolute limits

core_boot_10k_cpu_s, core_step_us, core_bytes_per_zone: the pure core alone boots 10,000 zones in
simulated time (corebench.c). daemon_boot_1k_s: svc.zones, from its spawn until 1,000 zones
are online, 32 at a time, each with a process that plays kzhost (fakehost.c).
daemon_cpu_us_per_transition: its processor time for that, by changes of state it logged.
svcs_10k_ms: `svcs -a` over 10,000 instances, from its spawn to its end. status_write_us:
processor time of svc.zones for one change of one of 1,000 zones and the status.json that
follows. Roots are in memory, where fsync(2) costs nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import benchlib
from benchlib import Metric

os.environ.setdefault("KZ_BUILD", benchlib.BUILD)
os.environ.setdefault("KZONES_KVM", "/dev/null")
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import kz

MEMORY = "/dev/shm"
LIMIT = 32
WRITES = 10

METRICS = [
    Metric("core_boot_10k_cpu_s", "s", 1),
    Metric("core_step_us", "us", 5),
    Metric("core_bytes_per_zone", "bytes", 2048),
    Metric("daemon_boot_1k_s", "s"),
    Metric("daemon_cpu_us_per_transition", "us"),
    Metric("svcs_10k_ms", "ms", 100),
    Metric("status_write_us", "us"),
]


def cpu_us(pid):
    """Processor time of a process with one thread."""
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0]) / 1000


def populate(t, n, autoboot):
    """A root with n installed zones; each depends on two earlier ones."""
    kzhost = t.path("libexec/kzhost")
    if os.path.islink(kzhost):
        os.unlink(kzhost)
    os.symlink(benchlib.build_path("tests", "bench", "fakehost"), kzhost)
    t.write("kernel", "a kernel")
    t.write("etc/zones/svc.zones.json",
            json.dumps({"config": {"concurrent-boot-shutdown": LIMIT}}))
    zones = {}
    for i in range(n):
        config = {"version": 1, "autoboot": autoboot, "capped-memory": {"physical": "2M"},
                  "virtual-cpu": {"ncpus": 1}, "direct-boot": {"kernel": t.path("kernel")}}
        if i:
            config["smf-dependency"] = [{"fmri": "svc:/system/zones/zone:z%05d" % d}
                                        for d in sorted({i // 2, i // 3})]
        t.write("etc/zones/z%05d.json" % i, json.dumps(config))
        zones["z%05d" % i] = {"state": "installed",
                              "uuid": "00000000-0000-4000-8000-%012x" % (i + 1)}
    t.write("var/lib/zones/state.json",
            json.dumps({"version": 1, "boot_id": "bench", "next_id": 1, "zones": zones}))


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
        if r.stdout.count("\n") != 10001:
            raise RuntimeError("svcs: %d lines" % r.stdout.count("\n"))
        t.svc_stop()
        return {"svcs_10k_ms": took * 1000}
    finally:
        t.finish(True)


def measure(side):
    core = benchlib.run_json(benchlib.build_path("tests", "bench", "corebench"), "10000")
    return {"core_boot_10k_cpu_s": core["cpu_s"], "core_step_us": core["step_us"],
            "core_bytes_per_zone": core["bytes_per_zone"], **boot_1k(), **svcs_10k()}


try:
    benchlib.main("restarter", METRICS, measure, runs=3, peer=False)
except AssertionError as e:
    sys.exit("bench: restarter: %s" % e)
