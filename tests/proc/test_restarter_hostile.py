# SPDX-License-Identifier: BSD-2-Clause
"""Much of it: floods, crowds and silence at the admin interface; cycles while it runs."""

import json
import resource
import socket
import threading

import kz
from restarter import as_nobody, call, configure, setup, status

MIB = 1 << 20


def connect(t):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(kz.DEADLINE)
    s.connect(t.path("run/zones/svc.zones.sock"))
    return s


def resident(t):
    """Bytes that svc.zones has had in memory at most."""
    with open("/proc/%d/status" % t.svc.pid) as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmHWM:"))


def serves(t):
    kz.eq([z["name"] for z in call(t, "Zones")["zones"]], ["db"])


@kz.test
def a_message_of_100_mib(t):
    """Dropped at the limit of a call, whatever it is: garbage, a string, nesting."""
    setup(t, "db")
    before = resident(t)
    for begin, unit in ((b"", b"\xff"), (b'{"method": "', b"x"), (b"", b"["), (b"", b'{"a":')):
        s = connect(t)
        sent = s.send(begin) if begin else 0
        chunk = unit * (MIB // len(unit))
        try:
            while sent < 100 * MIB:
                sent += s.send(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        kz.eq(sent < 4 * MIB, True, "%d bytes were taken of %r" % (sent, unit))
        s.close()
        serves(t)
    kz.eq(resident(t) - before < 32 * MIB, True, "memory")


@kz.test
def a_thousand_idle_clients(t):
    """Those beyond the limit are closed; operators get in, the zones go on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        raise kz.Skip("RLIMIT_NOFILE: %d" % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    setup(t, "db")
    kept = []

    def crowd():
        for _ in range(1000):
            kept.append(connect(t))
        return "%d" % len(kept)

    answer, finish = as_nobody(crowd)
    kz.eq(answer, "1000")
    serves(t)
    call(t, "Boot", zone="db")
    kz.wait_for(lambda: status(t, "db")["state"] == "running", "the status goes on, too")
    finish()


@kz.test
def monitors_that_never_read(t):
    """They cost no more than what one may leave; others are served all the same."""
    setup(t, "db")
    message = json.dumps({"method": kz.IFACE + ".Monitor", "more": True}).encode() + b"\0"
    deaf = [connect(t) for _ in range(50)]
    for s in deaf:
        s.sendall(message)
    before = resident(t)
    for _ in range(10):
        call(t, "Boot", zone="db")
        call(t, "Halt", zone="db")
    serves(t)
    kz.eq(resident(t) - before < 64 * MIB, True, "memory")
    for s in deaf:
        s.close()
    serves(t)


@kz.test
def a_monitor_that_never_reads_is_dropped(t):
    """When it has left a mebibyte and news come; one that reads is told all."""
    setup(t, "db")
    message = json.dumps({"method": kz.IFACE + ".Monitor", "more": True}).encode() + b"\0"
    deaf, reader = connect(t), connect(t)
    for s in deaf, reader:
        s.sendall(message)
    reading = threading.Thread(target=lambda: [None for _ in iter(lambda: reader.recv(1 << 16),
                                                                  b"")])
    reading.start()
    c, left = t.connect(), 40000
    while left and "a monitor does not read and is dropped" not in t.svc.output():
        for _ in range(250):
            c.call("MarkInstance", zone="db", state="maintenance", temporary=True)
            c.call("Clear", zone="db")
            left -= 1
    kz.eq(left > 0, True, "it was dropped")
    serves(t)
    # What had been sent can still be read, then comes the end.
    while deaf.recv(1 << 16):
        pass
    kz.eq(t.svc.output().count("is dropped"), 1, "the other one reads")
    reader.shutdown(socket.SHUT_RDWR)
    reading.join()


@kz.test
def a_dependency_that_closes_a_cycle_while_it_runs(t):
    """Who runs goes on; who does not is in maintenance, until the cycle is opened."""
    configure(t, "db")
    configure(t, "web", depends=("db",))
    setup(t, "db", "web", "other")
    call(t, "Boot", zone="db")
    configure(t, "db", depends=("web",))
    call(t, "Refresh", zone="db")
    t.wait_instance("web", "maintenance")
    kz.eq(t.instance("web")["reason"], "dependency cycle: web -> db -> web")
    kz.eq(t.instance("db")["state"], "online")
    call(t, "Boot", zone="other")
    call(t, "Halt", zone="db")
    kz.eq(t.instance("db")["reason"], "dependency cycle: db -> web -> db")
    configure(t, "db")
    call(t, "Refresh", zone="db")
    t.wait_instance("web", "disabled")
    call(t, "Boot", zone="db")
    call(t, "Boot", zone="web")
    kz.eq(t.instance("web")["state"], "online")


kz.main()
