# SPDX-License-Identifier: BSD-2-Clause
"""The restarter's side of the control protocol, for tests that drive a real kzhost."""

import array
import functools
import os
import re
import select
import signal
import socket
import struct

import kz

DEADLINE = kz.DEADLINE
CTL_LISTEN_FD = 3
VERSION = 1
RAM = 64 << 20
HELLO_GOALS, HELLO_SECCOMP, HELLO_UID = 1, 2, 4  # flags of the answer to HELLO
HDR = struct.Struct("<HHI")
HELLO = struct.Struct("<HHIII")
HELLO_REPLY = struct.Struct("<HHIII16sQII72s")
CREATE = struct.Struct("<HHIQII16sq72s2048s128sII")
REPLY = struct.Struct("<HHIII256s")
DISK = struct.Struct("<HHIIIIIQII24s")
STATUS_REPLY = struct.Struct("<HHIIIQQQQQQQIIII")
EXITING = struct.Struct("<HHIII256s")


def names(which):
    """The names of an X-list of ctl.h, in order."""
    with open(os.path.join(kz.SOURCE, "common/proto/ctl.h")) as f:
        block = re.search(r"#define %s\(X\)(.*?)\n\n" % which, f.read(), re.S).group(1)
    return re.findall(r'X\(\w+, "([a-z ]+)"', block)


STATES = names("CTL_STATES")
CAUSES = names("CTL_CAUSES")
GOALS = names("CTL_GOALS")
REQUESTS = {name: 1 + i for i, name in enumerate(names("CTL_REQUESTS"))}
EVENTS = {65 + i: name for i, name in enumerate(names("CTL_EVENTS"))}
FDS = ("kvm", "kernel", "initrd", "log", "console", "firmware")
EXITING_ID = next(number for number, name in EVENTS.items() if name == "exiting")
CONFIRM_SEQ = 0xffffffff
SIZES = {"hello": HELLO.size, "create": CREATE.size, "start": 8, "shutdown": 8, "halt": 8,
         "status": 8, "log": 8, "disk": DISK.size}


def text_of(field):
    return field.split(b"\0")[0].decode()


class Ended(Exception):
    """The connection was closed."""


class Host:
    """A kzhost process with its two sockets; has what kz.Case wants of a process.

    A console is a (path, listening socket) that outlives the process, as svc.zones has it.
    A wrapper is a program with arguments that becomes kzhost.
    """

    def __init__(self, t, zone="db", args=(), console=None, wrapper=()):
        self.t = t
        self.zone = zone
        self.dir = t.path("run", "%s.%d" % (zone, len(t._processes)))
        os.makedirs(self.dir)
        self.ctl_path = os.path.join(self.dir, "ctl.sock")
        self.console_log = os.path.join(self.dir, "console.log")
        self.log = os.path.join(self.dir, "messages")
        self.console_path, self.console = console or listening_console(
            os.path.join(self.dir, "console.sock"))
        ctl = listening(self.ctl_path, socket.SOCK_SEQPACKET)
        self.popen = self
        self.status = None
        self._zombie = False
        program = kz.find_program("kzhost")
        with open("/dev/null", "r+b") as null, open(self.log, "ab") as log:
            command = [*wrapper, program, "-z", zone, *args]
            self.pid = os.posix_spawn(
                command[0], command, t.env(),
                file_actions=[(os.POSIX_SPAWN_DUP2, ctl.fileno(), CTL_LISTEN_FD),
                              (os.POSIX_SPAWN_DUP2, null.fileno(), 0),
                              (os.POSIX_SPAWN_DUP2, null.fileno(), 1),
                              (os.POSIX_SPAWN_DUP2, log.fileno(), 2)])
        ctl.close()
        t._processes.append(self)

    def output(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def alive(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is None

    def kill(self, sig=signal.SIGKILL):
        os.kill(self.pid, sig)

    def wait(self, deadline=DEADLINE):
        kz.wait_for(lambda: not self.alive(), "kzhost ends", deadline)
        return self.status

    def fds(self):
        """How many descriptors it has open."""
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def connect(self, hello=True, confirms=True):
        return Connection(self, hello, confirms)

    def console_text(self):
        with open(self.console_log, errors="replace", newline="") as f:
            return f.read()


class Connection:
    """One control connection."""

    def __init__(self, host, hello=True, confirms=True):
        self.host = host
        self.confirms = confirms  # lets a host go that has said why it ends
        self.seq = 0
        self.events = []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(host.ctl_path)
        if hello:
            self.hello_reply = self.hello()

    def close(self):
        self.sock.close()

    def send(self, data, fds=()):
        ancillary = []
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self.sock.sendmsg([data], ancillary)

    def receive(self):
        """One message; Ended at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended()
        if self.confirms and HDR.unpack_from(data)[0] == EXITING_ID:
            try:
                self.send(HDR.pack(REQUESTS["halt"], VERSION, CONFIRM_SEQ))
            except OSError:
                pass  # it does not wait for that
        return data

    def ended(self):
        """Wait until kzhost has closed this connection (events are skipped)."""
        try:
            while True:
                self.receive()
        except Ended:
            return True

    def header(self, name, version=VERSION):
        self.seq += 1
        return HDR.pack(REQUESTS[name], version, self.seq)

    def answer(self):
        """The answer to the last request; events that come before it are kept."""
        while True:
            data = self.receive()
            ident, version, seq = HDR.unpack_from(data)
            kz.eq(version, VERSION, "version of an answer")
            if seq:
                kz.eq(seq, self.seq, "sequence number of an answer")
                return ident, data
            self.events.append(data)

    def ask(self, name, body=b"", fds=()):
        """(errno, text) of a request that is answered by ctl_reply."""
        self.send(self.header(name) + body, fds)
        ident, data = self.answer()
        kz.eq(ident, REQUESTS[name], "id of an answer")
        fields = REPLY.unpack(data)
        return fields[3], text_of(fields[5])

    def good(self, name, body=b"", fds=()):
        kz.eq(self.ask(name, body, fds), (0, ""), name)

    def hello(self, version=VERSION, min_version=VERSION):
        self.seq += 1
        self.send(HELLO.pack(REQUESTS["hello"], version, self.seq, min_version, 0))
        f = HELLO_REPLY.unpack(self.answer()[1])
        return {"error": f[3], "state": STATES[f[4]], "uuid": f[5], "since_ms": f[6],
                "pid": f[7], "flags": f[8] & HELLO_GOALS, "confined": f[8] & ~HELLO_GOALS,
                "zone": text_of(f[9])}

    def status(self):
        self.send(self.header("status"))
        f = STATUS_REPLY.unpack(self.answer()[1])
        return {"state": STATES[f[3]], "n_vcpus": f[4], "ram_bytes": f[5],
                "resident_bytes": f[6], "exits": f[7], "console_bytes": f[8],
                "console_lost": f[9], "guest_errors": f[10], "disk_errors": f[11],
                "n_disks": f[12], "disk_engine": f[13], "n_page_cache": f[14],
                "n_read_only": f[15]}

    def create(self, ram=RAM, vcpus=1, zone=None, cmdline="", mask=None, uuid=b"u" * 16,
               goals="", goals_kind=None, **replace):
        """(errno, text) of CREATE. Descriptors are opened here; name=fd replaces one (None:
        leaves it out)."""
        own = {}
        zone = self.host.zone if zone is None else zone
        if "kvm" not in replace:
            own["kvm"] = os.open("/dev/kvm", os.O_RDWR)
        if "kernel" not in replace:
            own["kernel"] = os.open(kz.find_program("guest.elf"), os.O_RDONLY)
        if "log" not in replace:
            own["log"] = os.open(self.host.console_log,
                                 os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        fds = {**own, "console": self.host.console.fileno(), **replace}
        present = [n for n in FDS if fds.get(n) is not None]
        if mask is None:
            mask = sum(1 << FDS.index(n) for n in present)
        cmdline = ("%s kzones.zone=%s" % (cmdline, zone)).strip()
        body = CREATE.pack(0, 0, 0, ram, vcpus, mask, uuid, 0, zone.encode(),
                           cmdline.encode(), goals.encode(),
                           GOALS.index(goals_kind or ("console" if goals else "none")),
                           0)[HDR.size:]
        try:
            return self.ask("create", body, [fds[n] for n in present])
        finally:
            for fd in own.values():
                os.close(fd)

    def disk(self, path, ident=0, flags=0, bootpri=0, size=None, direct=False, block=4096):
        """(errno, text) of DISK for a file."""
        opened = [os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)]
        if direct:
            opened.append(os.open(path, os.O_RDWR | os.O_DIRECT))
        align = 4096 if direct else 0
        size = os.path.getsize(path) if size is None else size
        try:
            return self.ask("disk", DISK.pack(0, 0, 0, ident, flags, bootpri, block, size,
                                              align, align, b"serial-%d" % ident)[HDR.size:],
                            opened)
        finally:
            for fd in opened:
                os.close(fd)

    def boot(self, **how):
        """CREATE and START that must work."""
        kz.eq(self.create(**how), (0, ""), "create")
        self.good("start")

    def event(self):
        """The next event: its name, then for exiting (cause, text)."""
        data = self.events.pop(0) if self.events else self.receive()
        ident, _, seq = HDR.unpack_from(data)
        kz.eq(seq, 0, "sequence number of an event")
        if EVENTS[ident] != "exiting":
            return EVENTS[ident]
        f = EXITING.unpack(data)
        return CAUSES[f[3]], text_of(f[5])


class Client:
    """A console client. It does not wait for a host that has ended: nobody would accept it."""

    def __init__(self, host):
        self.host = host
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(host.console_path)
        self.text = ""

    def send(self, text):
        self.sock.sendall(text.encode())

    def read_until(self, part):
        """Read until the text is there; everything up to its end, which is taken."""
        while part not in self.text:
            data = self.receive()
            if not data:
                raise AssertionError("console closed, waiting for %r; got %r"
                                     % (part, self.text[-2000:]))
            self.text += data.decode(errors="replace")
        end = self.text.index(part) + len(part)
        taken, self.text = self.text[:end], self.text[end:]
        return taken

    def receive(self):
        """What comes next; b"" at the end of the connection or of the host."""
        if self.host.alive():
            ended = os.pidfd_open(self.host.pid)
            select.select([self.sock, ended], [], [], DEADLINE)
            os.close(ended)
        if not self.host.alive() and not select.select([self.sock], [], [], 0)[0]:
            return b""
        return self.sock.recv(65536)

    def read_all(self):
        """Everything until the console is closed."""
        while True:
            data = self.sock.recv(65536)
            if not data:
                taken, self.text = self.text, ""
                return taken
            self.text += data.decode(errors="replace")

    def close(self):
        self.sock.close()


def listening(path, kind):
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path)
    sock.listen(16)
    return sock


def listening_console(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path, listening(path, socket.SOCK_STREAM)


def exit_status(cause):
    return 64 + CAUSES.index(cause)


def capabilities(status):
    """All that the text of /proc/PID/status says of any kind."""
    sets = re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\t([0-9a-f]+)$", status, re.M)
    kz.eq(len(sets), 4, status)
    return functools.reduce(lambda a, b: a | int(b, 16), sets, 0)


def cpu_use(pid):
    """Processor time of all threads in nanoseconds; how often they went to sleep."""
    ns = sum(int(text.split()[0]) for text in kz.of_threads(pid, "schedstat").values())
    waits = sum(int(re.search(r"^voluntary_ctxt_switches:\t(\d+)", text, re.M).group(1))
                for text in kz.of_threads(pid, "status").values())
    return ns, waits


def private_bytes(pid, ram=RAM):
    """Private memory in mappings that are not the guest's RAM."""
    is_guest, total = False, 0
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
            if m:
                size = int(m.group(2), 16) - int(m.group(1), 16)
                is_guest = "memfd:" in line or size == ram
            elif line.startswith("Private_") and not is_guest:
                total += int(line.split()[1]) * 1024
    return total
