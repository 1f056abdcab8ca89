# SPDX-License-Identifier: BSD-2-Clause
"""Many zones without machines, for benchmarks; also copied into the host rig."""

import json
import os
import socket
import time


def dependencies(i):
    """What number i depends on: two earlier ones."""
    return sorted({i // 2, i // 3}) if i else []


def populate(root, n, autoboot, limit, fakehost):
    """Fill a root with n installed zones whose kzhost is fakehost."""
    def write(path, text):
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    kernel = os.path.join(root, "kernel")
    write("kernel", "a kernel")
    write("etc/zones/svc.zones.json", json.dumps({"config": {"concurrent-boot-shutdown": limit}}))
    kzhost = os.path.join(root, "libexec/kzhost")
    os.makedirs(os.path.dirname(kzhost), exist_ok=True)
    if os.path.islink(kzhost):
        os.unlink(kzhost)
    os.symlink(fakehost, kzhost)
    zones = {}
    for i in range(n):
        config = {"version": 1, "autoboot": autoboot, "capped-memory": {"physical": "2M"},
                  "virtual-cpu": {"ncpus": 1}, "direct-boot": {"kernel": kernel}}
        if i:
            config["smf-dependency"] = [{"fmri": "svc:/system/zones/zone:z%05d" % d}
                                        for d in dependencies(i)]
        write("etc/zones/z%05d.json" % i, json.dumps(config))
        zones["z%05d" % i] = {"state": "installed",
                              "uuid": "00000000-0000-4000-8000-%012x" % (i + 1)}
    write("var/lib/zones/state.json",
          json.dumps({"version": 1, "boot_id": "bench", "next_id": 1, "zones": zones}))


def wait_online(path, n, deadline=600):
    """Follow svc.zones at the socket until n instances are online."""
    end, states, buffer = time.monotonic() + deadline, {}, b""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    while True:
        try:
            s.connect(path)
            break
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                raise
            time.sleep(0.001)
    s.settimeout(deadline)
    s.sendall(b'{"method":"org.kzones.restarter.Monitor","parameters":{},"more":true}\0')
    while len(states) < n or set(states.values()) != {"online"}:
        more = s.recv(1 << 20)
        if not more or time.monotonic() > end:
            raise RuntimeError("%d zones did not come online" % n)
        *messages, buffer = (buffer + more).split(b"\0")
        for message in messages:
            for i in json.loads(message)["parameters"]["instances"]:
                states[i["zone"]] = i["state"]
                if i["state"] == "maintenance":
                    raise RuntimeError("%s: %s" % (i["zone"], i["reason"]))
    s.close()
