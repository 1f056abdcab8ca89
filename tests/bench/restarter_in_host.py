#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs in the rig's host: zones by svc.zones beside no-op services by systemd.

bench_restarter.py starts it, with manyzones.py and fakehost beside it, and takes the last line
of JSON that it prints: {"ours": [seconds, ...], "systemd": [seconds, ...]}. Both bring up the same
number of things with the same dependencies; what a thing does on top (nothing) costs each a
process.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import manyzones

HERE = os.path.dirname(os.path.abspath(__file__))
N = 200
PAIRS = 1
ROOT = "/run/bench"
UNITS = "/run/systemd/system"
UNIT = "[Unit]\nDescription=nothing\n%s[Service]\nType=oneshot\nRemainAfterExit=yes\n" \
       "ExecStart=/bin/true\n"


def ours():
    shutil.rmtree(ROOT, ignore_errors=True)
    manyzones.populate(ROOT, N, True, 32, os.path.join(HERE, "fakehost"))
    env = dict(os.environ, KZONES_ROOT=ROOT, KZONES_KVM="/dev/null",
               KZONES_LIBEXEC=ROOT + "/libexec")
    with open("/run/bench.log", "wb") as log:
        begin = time.monotonic()
        svc = subprocess.Popen(["/usr/lib/kzones/svc.zones"], env=env, stderr=log)
        try:
            manyzones.wait_online(ROOT + "/run/zones/svc.zones.sock", N)
            took = time.monotonic() - begin
        finally:
            svc.send_signal(signal.SIGTERM)
            svc.wait()
    return took


def make_units():
    for i in range(N):
        needs = " ".join("bench-%05d.service" % d for d in manyzones.dependencies(i))
        with open("%s/bench-%05d.service" % (UNITS, i), "w", encoding="utf-8") as f:
            f.write(UNIT % ("Requires=%s\nAfter=%s\n" % (needs, needs) if i else ""))
    everything = " ".join("bench-%05d.service" % i for i in range(N))
    with open(UNITS + "/bench.target", "w", encoding="utf-8") as f:
        f.write("[Unit]\nRequires=%s\nAfter=%s\n" % (everything, everything))
    subprocess.run(["systemctl", "daemon-reload"], check=True)


def systemd():
    begin = time.monotonic()
    subprocess.run(["systemctl", "start", "bench.target"], check=True)
    took = time.monotonic() - begin
    subprocess.run(["systemctl", "is-active", "--quiet", "bench-%05d.service" % (N - 1)],
                   check=True)
    subprocess.run(["systemctl", "stop", "bench.target", "bench-*.service"], check=True)
    return took


def main():
    make_units()
    # A line on an emulated serial port for each service would be what is measured.
    subprocess.run(["systemctl", "log-level", "notice"], check=True)
    result = {"ours": [], "systemd": []}
    for _ in range(PAIRS):
        result["ours"].append(ours())
        result["systemd"].append(systemd())
        print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
