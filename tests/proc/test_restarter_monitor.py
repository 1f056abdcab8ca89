# SPDX-License-Identifier: BSD-2-Clause
"""Monitor: every change is told once, to those who want it; who does not read is dropped."""

import json
import socket

import kz
from restarter import call, configure, install, now, setup


class Monitor:
    """A reader: what it has been told, as {zone: instance}, and every message."""

    def __init__(self, t, **parameters):
        self.c = t.connect()
        self.c.send("Monitor", parameters, more=True)
        self.instances = {}
        self.messages = []
        self.next()

    def next(self):
        message = self.c.receive()
        kz.eq(message.get("continues"), True, message)
        news = message["parameters"]
        self.messages.append(news)
        for i in news["instances"]:
            self.instances[i["zone"]] = i
        for zone in news["removed"]:
            del self.instances[zone]
        return news

    def until(self, zone, state):
        while zone not in self.instances or self.instances[zone]["state"] != state:
            self.next()


@kz.test
def changes_are_told(t):
    setup(t, "db", "web")
    m = Monitor(t)
    kz.eq(sorted(m.instances), ["db", "web"])
    one = Monitor(t, zone="web")
    kz.eq(sorted(one.instances), ["web"])
    call(t, "Enable", zone="db", temporary=True)
    m.until("db", "online")
    kz.eq(m.instances["db"], t.instance("db"))
    call(t, "Enable", zone="web", temporary=True)
    one.until("web", "online")
    kz.eq(sorted(one.instances), ["web"])
    now(t, "db", "panic")
    m.until("db", "maintenance")
    kz.has(m.instances["db"]["reason"], "panicked")
    kz.eq(len(m.messages) < 20, True, m.messages)


@kz.test
def instances_come_and_go(t):
    setup(t, "db")
    m = Monitor(t)
    configure(t, "new")
    install(t, "new")
    m.until("new", "disabled")
    c = t.connect()
    c.call("Begin", zone="new", operation="uninstall")
    while "new" in m.instances:
        m.next()
    c.call("End", zone="new", success=True)


@kz.test
def without_more_it_is_refused(t):
    setup(t, "db")
    try:
        call(t, "Monitor")
        raise AssertionError("not refused")
    except kz.VarlinkError as e:
        kz.eq(e.name, "org.varlink.service.ExpectedMore")
    call(t, "Instances")


@kz.test
def who_never_reads_is_dropped_and_others_are_not(t):
    zones = ["z%02d" % n for n in range(40)]
    setup(t, *zones)
    lazy = socket.socket(socket.AF_UNIX)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(t.path("run/zones/svc.zones.sock"))
    lazy.sendall(json.dumps({"method": kz.IFACE + ".Monitor", "parameters": {},
                             "more": True}).encode() + b"\0")
    m = Monitor(t)
    rounds = 0
    while "does not read and is dropped" not in t.svc.output():
        rounds += 1
        kz.eq(rounds < 2000, True, "it is dropped in the end")
        for zone in zones:
            call(t, "Refresh", zone=zone)
            m.next()
    kz.eq(sorted(m.instances), zones)
    call(t, "Enable", zone="z00", temporary=True)
    m.until("z00", "online")


kz.main()
