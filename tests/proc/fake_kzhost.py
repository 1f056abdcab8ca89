#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A kzhost without a machine, for tests that drive a real svc.zones.

Started as svc.zones starts a kzhost. What it does is written in $KZONES_ROOT/fake/ZONE, read
again for each message; a line is STEP ACTION [TEXT]:

    hello|create|start|shutdown|halt   the request in question
    hang            no answer, ever
    die             SIGKILL to itself
    exit N          exit status N, without a word
    garbage         a message that is none
    short           half an answer
    twice           the answer, two times
    seq             an answer with another sequence number
    id              the answer of another request
    fds             the answer, with descriptors
    fail TEXT       an error
    exiting CAUSE TEXT   EXITING instead of an answer, then the end
    ended CAUSE     (hello) says it has ended and why, and is gone before anybody can look
    uuid            (hello) another uuid than it was given
    version N       (hello) refuses the restarter's version, and says its own in N bytes
    state N         (hello) says it is in state N
    panic           (now) the guest panics
    goals           (now) the guest has reached its goals
    reached         (hello) says that the goals have been reached
    flood           panics without end

On SIGUSR1 it does the actions of $KZONES_ROOT/fake/ZONE.now, whatever their step. Appends
"ZONE WHAT PID" to $KZONES_ROOT/fake/log, and keeps the last CREATE in ZONE.create.
"""

import array
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import time

import fake_restarter as ctl

EVENT_IDS = {name: number for number, name in ctl.EVENTS.items()}
ROOT = os.environ["KZONES_ROOT"]
ZONE = sys.argv[2]


def fake(name):
    return os.path.join(ROOT, "fake", name)


def lines_of(name):
    """[STEP, ACTION, TEXT] of each line of a script."""
    try:
        with open(fake(name)) as f:
            return [(line.split(None, 2) + ["", ""])[:3] for line in f.read().splitlines()]
    except FileNotFoundError:
        return []


def note(what):
    with open(fake("log"), "a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.write("%s %s %d\n" % (ZONE, what, os.getpid()))


class Host:
    def __init__(self):
        self.listener = socket.socket(fileno=3)
        self.conn = None
        self.state = ctl.STATES.index("empty")
        self.uuid = bytes(16)
        self.since = int(time.time() * 1000)
        self.flags = 0
        self.locks = []
        self.counts = (0, 0)
        self.told = []  # (has O_DIRECT, flags) of each disk
        self.wake, end = os.pipe()
        os.set_blocking(end, False)
        signal.set_wakeup_fd(end)
        signal.signal(signal.SIGUSR1, lambda *_: None)

    def enter(self, state):
        self.state = ctl.STATES.index(state)
        self.since = int(time.time() * 1000)

    def send(self, data, fds=()):
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        try:
            self.conn.sendmsg([data], ancillary if fds else [])
        except BrokenPipeError:
            pass  # who asked is gone

    def exiting(self, cause, text=""):
        """Says why, as the real one does: to whoever is connected."""
        note("exiting-" + cause)
        if self.conn:
            self.send(ctl.EXITING.pack(EVENT_IDS["exiting"], ctl.VERSION, 0,
                                       ctl.CAUSES.index(cause), 0, text.encode()))
        os._exit(64 + ctl.CAUSES.index(cause))

    def end_at_adoption(self, ident, seq, cause):
        """Answer, say why and end, all while the restarter is stopped."""
        cred = self.conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        peer = struct.unpack("iII", cred)[0]
        read, write = os.pipe()
        if os.fork() == 0:
            self.conn.close()
            self.listener.close()
            os.close(write)
            os.read(read, 1)  # until the parent is gone
            os.kill(peer, signal.SIGCONT)
            os._exit(0)
        os.kill(peer, signal.SIGSTOP)
        self.enter("ended")
        self.send(self.reply(ident, seq))
        self.exiting(cause)

    def disks(self):
        """Their number, the engine, how many go through the page cache, are read-only."""
        return (len(self.told), 1 if self.told else 0,
                sum(not direct for direct, _ in self.told), sum(f & 1 for _, f in self.told))

    def reply(self, ident, seq, error=0, text=""):
        if ident == ctl.REQUESTS["hello"]:
            return ctl.HELLO_REPLY.pack(ident, ctl.VERSION, seq, error, self.state, self.uuid,
                                        self.since, 4242, self.flags, ZONE.encode())
        if ident == ctl.REQUESTS["status"]:
            return ctl.STATUS_REPLY.pack(ident, ctl.VERSION, seq, self.state, 1, 0, 0, 0, 0, 0,
                                         *self.counts, *self.disks())
        return ctl.REPLY.pack(ident, ctl.VERSION, seq, error, 0, text.encode())

    def misbehave(self, step, action, text, seq):
        """True when the request has been dealt with."""
        ident = ctl.REQUESTS.get(step, 1)
        if action == "hang":
            pass
        elif action == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif action == "exit":
            os._exit(int(text))
        elif action == "garbage":
            self.send(b"\xff" * 100)
        elif action == "short":
            self.send(self.reply(ident, seq)[:20])
        elif action == "twice":
            self.send(self.reply(ident, seq))
            self.send(self.reply(ident, seq))
        elif action == "seq":
            self.send(self.reply(ident, seq + 7))
        elif action == "id":
            self.send(self.reply(ctl.REQUESTS["halt"], seq))
        elif action == "fds":
            self.send(self.reply(ident, seq), [0, 1])
        elif action == "fail":
            self.send(self.reply(ident, seq, 22, text))
        elif action == "exiting":
            cause, _, why = text.partition(" ")
            self.exiting(cause, why)
        elif action == "ended":
            self.end_at_adoption(ident, seq, text)
        elif action == "panic":
            self.enter("panicked")
            self.send(ctl.HDR.pack(EVENT_IDS["panic"], ctl.VERSION, 0))
        elif action == "goals":
            self.flags = 1
            self.send(ctl.HDR.pack(EVENT_IDS["goals"], ctl.VERSION, 0))
        elif action == "counts":
            self.counts = tuple(int(n) for n in text.split())
            self.send(ctl.HDR.pack(EVENT_IDS["device"], ctl.VERSION, 0))
        elif action == "flood":
            while True:
                self.send(ctl.HDR.pack(EVENT_IDS["panic"], ctl.VERSION, 0))
        elif action == "version":
            data = bytearray(self.reply(ident, seq, errno.EPROTONOSUPPORT).ljust(200, b"\0"))
            struct.pack_into("<H", data, 2, ctl.VERSION + 1)
            self.send(data[:int(text)])
        elif action == "uuid":
            self.uuid = b"x" * 16
            return False
        elif action == "reached":
            self.flags = 1
            return False
        elif action == "state":
            self.state = int(text)
            return False
        else:
            raise SystemExit("fake kzhost: unknown action %s" % action)
        return True

    def keep_disk(self, data, fds):
        """Notes what a DISK said, and holds the lock as the real one does."""
        f = ctl.DISK.unpack(data)
        with open(fake(ZONE + ".disks"), "a") as out:
            json.dump({"id": f[3], "flags": f[4], "bootpri": f[5], "block": f[6], "bytes": f[7],
                       "mem_align": f[8], "offset_align": f[9], "serial": ctl.text_of(f[10]),
                       "fds": [os.readlink("/proc/self/fd/%d" % fd) for fd in fds],
                       "flags_of_fds": [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in fds]}, out)
            out.write("\n")
        self.locks.append(os.dup(fds[1]))
        self.told.append((len(fds) > 2, f[4]))

    def serve(self, data, fds):
        if ctl.HDR.unpack_from(data)[0] == ctl.REQUESTS["disk"]:
            self.keep_disk(data, fds)
        for fd in fds:
            os.close(fd)
        ident, _, seq = ctl.HDR.unpack_from(data)
        step = next(name for name, number in ctl.REQUESTS.items() if number == ident)
        if step != "status":
            note(step)
        for wanted, action, text in lines_of(ZONE):
            if wanted == step and self.misbehave(step, action, text, seq):
                return
        if step == "create":
            f = ctl.CREATE.unpack(data)
            self.uuid = f[6]
            with open(fake(ZONE + ".create"), "w") as out:
                json.dump({"ram": f[3], "vcpus": f[4], "mask": f[5], "fds": len(fds),
                           "zone": ctl.text_of(f[8]), "cmdline": ctl.text_of(f[9]),
                           "goals": ctl.text_of(f[10]),
                           "goals_kind": ctl.GOALS[f[11]]}, out)
            self.enter("created")
        elif step == "start":
            self.enter("running")
        elif step == "shutdown":
            self.enter("stopping")
        self.send(self.reply(ident, seq))
        if step == "shutdown":
            self.exiting("poweroff")
        if step == "halt":
            self.exiting("halted")

    def receive(self):
        try:
            data, ancillary, _, _ = self.conn.recvmsg(65536, 4096)
        except ConnectionResetError:  # it went without reading all
            data, ancillary = b"", []
        fds = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content)
        if data:
            self.serve(data, fds)
        else:
            self.conn = None

    def run(self):
        note("begin")
        while True:
            waits = [self.conn or self.listener, self.wake]
            ready, _, _ = select.select(waits, [], [])
            if self.wake in ready:
                os.read(self.wake, 100)
                for _, action, text in lines_of(ZONE + ".now"):
                    self.misbehave("", action, text, 0)
            elif self.conn:
                self.receive()
            else:
                self.conn = self.listener.accept()[0]


try:
    Host().run()
except (BrokenPipeError, ConnectionResetError):
    pass
