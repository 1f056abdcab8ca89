# SPDX-License-Identifier: BSD-2-Clause
"""list a thousand zones; change and commit one of them; no peer, absolute limits

list_1000_ms: `zoneadm list -cp` with 1000 configured zones, from its spawn to its end.
commit_ms: `zonecfg -z ZONE "set bootargs=…"` on one of them, in the same way: read, lock, verify,
write, tell svc.zones. The root is in memory (/dev/shm), where fsync(2) costs nothing, so this
is what a commit takes besides it.
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
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import kz

ZONES = 1000
CHAIN = 10  # zones that depend on each other
MEMORY = "/dev/shm"

METRICS = [Metric("list_1000_ms", "ms", 100), Metric("commit_ms", "ms", 20)]


def write_zone(t, n):
    config = {"version": 1, "brand": "solaris-kz", "capped-memory": {"physical": "1G"},
              "virtual-cpu": {"ncpus": 1}, "device": [{"id": 0, "bootpri": 0}],
              "anet": [{"id": 0, "auto-mac-address": "02:08:20:00:%02x:%02x" % divmod(n, 256)}]}
    if n % CHAIN:
        config["smf-dependency"] = [{"fmri": "svc:/system/zones/zone:zone%04d" % (n - 1)}]
    t.write("etc/zones/zone%04d.json" % n, json.dumps(config))


def timed(t, program, *args):
    """Milliseconds from the spawn to the end, and what was printed."""
    path, env = kz.find_program(program), t.env()
    begin = time.monotonic()
    r = subprocess.run([path, *args], env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, text=True)
    end = time.monotonic()
    if r.returncode != 0:
        raise RuntimeError("%s: exit status %d" % (program, r.returncode))
    return (end - begin) * 1000, r.stdout


class Measure:
    def __init__(self, t):
        self.t = t
        self.n = 0

    def __call__(self, side):
        self.n += 1
        zone = "zone%04d" % (self.n * 7 % ZONES)
        list_ms, text = timed(self.t, "zoneadm", "list", "-cp")
        if text.count("\n") != ZONES + 1:
            raise RuntimeError("%d zones are listed" % (text.count("\n") - 1))
        commit_ms, _ = timed(self.t, "zonecfg", "-z", zone, "set bootargs=%d" % self.n)
        return {"list_1000_ms": list_ms, "commit_ms": commit_ms}


def run():
    if os.access(MEMORY, os.W_OK):
        tempfile.tempdir = MEMORY
    else:
        print("bench: config: no %s: commit_ms has fsync(2) in it" % MEMORY, file=sys.stderr)
    t = kz.Case("bench_config")
    try:
        for n in range(ZONES):
            write_zone(t, n)
        t.svc_start()
        benchlib.main("config", METRICS, Measure(t), runs=30, peer=False)
    finally:
        t.finish(True)


run()
