# SPDX-License-Identifier: BSD-2-Clause
"""The same many times over: nothing may be left of it in svc.zones or in kzhost.

KZ_CYCLES is how many boots and halts, few in the ordinary run; memory is looked at only where
no sanitizer keeps what was freed.
"""

import collections
import os
import random
import socket

import kz

CYCLES = int(os.environ.get("KZ_CYCLES", "20"))
GROWTH_KIB = 2048


def fds(pid):
    """Its descriptors, counted by kind: numbers of sockets do not matter."""
    kinds = collections.Counter()
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            kinds[os.readlink("/proc/%d/fd/%s" % (pid, name)).split("[")[0]] += 1
        except FileNotFoundError:
            pass
    return kinds


def rss_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


def child_count(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return len(f.read().split())


class Still:
    """What a process has now; no more later, or the test fails."""

    def __init__(self, pid):
        self.pid = pid
        self.fds = fds(pid)
        self.rss = rss_kib(pid)

    def check(self, what):
        kz.wait_for(lambda: not fds(self.pid) - self.fds, "no descriptors of %d but those "
                    "before %s: %r" % (self.pid, what, fds(self.pid) - self.fds))
        grown = rss_kib(self.pid) - self.rss
        kz.comment("%s: pid %d has %d descriptors, %+d KiB of memory"
                   % (what, self.pid, sum(self.fds.values()), grown))
        if not kz.sanitized(self.pid):
            kz.eq(grown < GROWTH_KIB, True, "%d KiB more after %s" % (grown, what))


def setup(t):
    kz.need_kvm()
    t.svc_start()
    t.run("zonecfg", "-z", "db", "create -b; add capped-memory; set physical=64M; end; "
          "add virtual-cpu; set ncpus=1; end; add direct-boot; set kernel=%s; end; commit"
          % kz.find_program("guest.elf"))
    t.run("zoneadm", "-z", "db", "install")
    return t.svc.pid


def cycle(c):
    c.call("Boot", zone="db")
    c.call("Halt", zone="db")


@kz.test
def boots_and_halts(t):
    svc = setup(t)
    c = t.connect()
    for _ in range(10):
        cycle(c)
    before = Still(svc)
    for _ in range(CYCLES):
        cycle(c)
    kz.eq(child_count(svc), 0, "children, ended or not")
    before.check("%d boots" % CYCLES)
    c.close()
    kz.eq(t.svc_stop(), 0)


def hostile_admin(t, rng):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(kz.DEADLINE)
    s.connect(t.path("run/zones/svc.zones.sock"))
    try:
        for _ in range(rng.randrange(3)):
            s.sendall(rng.choice((rng.randbytes(rng.randrange(1, 5000)), b"{}\0", b"\0",
                                  b'{"method":"org.kzones.restarter.Status"}\0',
                                  b'{"method":"org.kzones.restarter.Boot","parameters":'
                                  b'{"zone":"db"},"more":true}\0')))
    except (BrokenPipeError, ConnectionResetError):
        pass
    s.close()


def hostile_console(t, rng):
    s = socket.socket(socket.AF_UNIX)
    s.connect(t.path("run/zones/db/console.sock"))
    try:
        s.send(rng.randbytes(rng.randrange(1, 300)).replace(b"\r", b" ").replace(b"\n", b" "))
        if rng.random() < 0.5:
            s.shutdown(rng.choice((socket.SHUT_RD, socket.SHUT_WR)))
    except (BrokenPipeError, ConnectionResetError):
        pass
    s.close()


def hostile_control(t, rng):
    """Waits behind the restarter's own connection, and is never served."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.setblocking(False)
    try:
        s.connect(t.path("run/zones/db/ctl.sock"))
        s.sendmsg([rng.randbytes(rng.randrange(1, 300))],
                  [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"\0\0\0\0\1\0\0\0")])
    except BlockingIOError:
        pass
    s.close()


@kz.test
def hostile_connections(t):
    svc = setup(t)
    c = t.connect()
    c.call("Boot", zone="db")
    t.wait_text("var/log/zones/console.db", "kzones guest: zone db")
    host = t.instance("db")["contract"]
    rng = random.Random(int(os.environ.get("KZ_SEED", "1")))
    kinds = (hostile_admin, hostile_console, hostile_control)
    for kind in kinds * 5:
        kind(t, rng)
    t.zone("db")
    before = [Still(svc), Still(host)]
    for _ in range(CYCLES * 10):
        rng.choice(kinds)(t, rng)
    for still in before:
        still.check("%d connections" % (CYCLES * 10))
    kz.eq(t.instance("db")["contract"], host)
    kz.eq(t.instance("db")["state"], "online")
    c.close()
    kz.eq(t.svc_stop(), 0)


@kz.test
def calls(t):
    svc = setup(t)
    c = t.connect()
    for _ in range(500):
        c.call("Status")
    before = Still(svc)
    for i in range(CYCLES * 25):
        c.call(("Status", "Zones", "Instances")[i % 3])
        try:
            c.call("Boot", zone="no-such-zone-%d" % i)
        except kz.VarlinkError:
            pass
    before.check("%d calls" % (CYCLES * 50))
    c.close()
    kz.eq(t.svc_stop(), 0)


kz.main()
