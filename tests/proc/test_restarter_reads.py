# SPDX-License-Identifier: BSD-2-Clause
"""What svc.zones tells is on the disk already: also when the change and the question reach it
in one turn of its loop."""

import json
import os
import signal
import socket

import kz
from restarter import configure, fake, script

MANY = 300  # zones: so that state.json takes a while to write


TRIED = ["web%d" % n for n in range(6)]


def prepare(t):
    """Many installed zones; the kzhosts of some hang while they are being started."""
    fake(t)
    for zone in TRIED:
        configure(t, zone)
        script(t, zone, "hello hang")
    names = TRIED + ["zone%d" % n for n in range(MANY)]
    t.write("var/lib/zones/state.json", json.dumps({
        "version": 1, "next_id": 1, "boot_id": "",
        "zones": {z: {"state": "installed", "uuid": "00000000-0000-4000-8000-%012d" % n}
                  for n, z in enumerate(names)}}))
    t.svc_start(KZONES_STEP_TIMEOUT_MS="600000")


def stopped(t):
    """The process stands still: what is sent now reaches it all at once."""
    os.kill(t.svc.pid, signal.SIGSTOP)

    def still():
        with open("/proc/%d/stat" % t.svc.pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"

    kz.wait_for(still, "svc.zones stands still")


def on_disk(t, zone):
    return t.json("var/lib/zones/state.json")["zones"][zone].get("instance", "disabled")


def ask_while_it_changes(t, asker):
    """A zone is enabled and asked about in one turn; the answer comes when it is on the disk.

    asker(zone) makes ready and gives ask(), which gives answer(). Which of the two is served
    first in the turn is the kernel's choice: when it was the question, that says nothing.
    """
    for zone in TRIED:
        kz.eq(on_disk(t, zone), "disabled")
        change = t.connect()
        change.call("Zones", zone=zone)
        ask = asker(zone)
        stopped(t)
        change.send("Enable", {"zone": zone, "temporary": True})
        answer = ask()
        os.kill(t.svc.pid, signal.SIGCONT)
        told = answer()
        on = on_disk(t, zone)
        change.close()
        if told != "disabled":
            kz.eq((told, on), ("offline", "offline"))
            return
    raise AssertionError("the question was always served first")


def by_method(t, method, find):
    prepare(t)

    def asker(zone):
        c = t.connect()
        c.call("Zones", zone=zone)

        def ask():
            c.send(method, {}, more=method == "Monitor")
            return lambda: next(i["state"] for i in find(c.receive()["parameters"])
                                if i["fmri"].endswith(":" + zone))

        return ask

    ask_while_it_changes(t, asker)


@kz.test
def instances_are_told_when_they_are_on_disk(t):
    by_method(t, "Instances", lambda answer: answer["instances"])


@kz.test
def the_status_is_told_when_it_is_on_disk(t):
    by_method(t, "Status", lambda answer: [z["instance"] for z in answer["status"]["zones"]])


@kz.test
def a_monitor_begins_with_what_is_on_disk(t):
    by_method(t, "Monitor", lambda answer: answer["instances"])


@kz.test
def the_status_over_http_is_on_disk(t):
    prepare(t)

    def asker(zone):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(t.path("run/zones/metrics.sock"))
        s.sendall(b"GET /status HTTP/1.0\r\n")  # the last line comes later

        def answer():
            text = b""
            while True:
                data = s.recv(1 << 20)
                if not data:
                    break
                text += data
            zones = json.loads(text.split(b"\r\n\r\n", 1)[1])["zones"]
            return next(z for z in zones if z["name"] == zone)["instance"]["state"]

        def ask():
            s.sendall(b"\r\n")
            return answer

        return ask

    ask_while_it_changes(t, asker)


kz.main()
