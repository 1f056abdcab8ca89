# SPDX-License-Identifier: BSD-2-Clause
"""zlogin -C at a terminal and in scripts: a plain server as the console, then real zones."""

import os
import pty
import select
import signal
import subprocess
import termios
import time

import kz
from fake_restarter import Client, Host, listening_console


class Terminal:
    """A program at a pseudo-terminal."""

    def __init__(self, t, *args):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.popen = subprocess.Popen([kz.find_program(args[0]), *args[1:]], env=t.env(),
                                      stdin=self.slave, stdout=self.slave,
                                      stderr=self.slave, start_new_session=True)

    def type(self, text):
        os.write(self.master, text.encode())

    def read_until(self, part):
        end = time.monotonic() + kz.DEADLINE
        while part not in self.text:
            left = end - time.monotonic()
            if left < 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError("waited for %r; got %r" % (part, self.text))
            self.text += os.read(self.master, 65536).decode(errors="replace")
        at = self.text.index(part) + len(part)
        taken, self.text = self.text[:at], self.text[at:]
        return taken

    def raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def wait(self):
        """Exit status; the terminal is as it was."""
        status = self.popen.wait(kz.DEADLINE)
        kz.eq(termios.tcgetattr(self.slave), self.before, "terminal settings")
        os.close(self.slave)
        os.close(self.master)
        return status


def zone_db(t):
    """A configured zone's (console path, listening socket)."""
    t.write("etc/zones/db.json", "{}")
    return listening_console(t.path("run/zones/db/console.sock"))


def accept(console):
    console[1].settimeout(kz.DEADLINE)
    sock = console[1].accept()[0]
    sock.settimeout(kz.DEADLINE)
    return sock


def receive(sock, text):
    """Read exactly this text."""
    got = b""
    while len(got) < len(text):
        data = sock.recv(65536)
        if not data:
            break
        got += data
    kz.eq(got.decode(), text)


@kz.test
def a_session_at_a_terminal(t):
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-C", "db")
    sock = accept(console)
    term.read_until("[Connected to zone 'db' console]\r\n")
    kz.eq(term.raw(), True)
    sock.sendall(b"login: ")
    term.read_until("login: ")
    term.type("root\r\x03~x")  # the guest's interrupt, not ours
    receive(sock, "root\r\x03~x")
    term.type("\r~~.")
    receive(sock, "\r~.")
    term.type("\r~.")
    receive(sock, "\r")
    kz.eq(sock.recv(10), b"")
    term.read_until("\n[Connection to zone 'db' console closed]")
    kz.eq(term.wait(), 0)


@kz.test
def other_escape_characters(t):
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-Q", "-e", "%", "-C", "db")
    sock = accept(console)
    kz.wait_for(term.raw, "raw terminal")
    term.type("~.\r%.")
    receive(sock, "~.\r")
    kz.eq(term.wait(), 0)
    term = Terminal(t, "zlogin", "-E", "-d", "-C", "db")
    sock = accept(console)
    kz.wait_for(term.raw, "raw terminal")
    term.type("~.\r~.\r")
    receive(sock, "~.\r~.\r")
    sock.sendall(b"\r\n[NOTICE: Zone halted]\r\n")
    sock.close()
    kz.eq(term.wait(), 0)


@kz.test
def stays_over_reboots(t):
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-d", "-C", "db")
    for notice in ("Zone rebooting", "Zone panicked", None):
        sock = accept(console)
        sock.sendall(b"hello\r\n")
        term.read_until("hello")
        if notice:
            sock.sendall(b"\r\n[NOTICE: %s]\r\n" % notice.encode())
            term.read_until(notice)
        kz.eq(term.raw(), True)
        sock.close()
    sock = accept(console)
    # What only looks like the end, with more behind it, is not the end.
    sock.sendall(b"[NOTICE: Zone halted]\r\nno\r\n")
    term.read_until("no\r\n")
    sock.close()
    sock = accept(console)
    sock.sendall(b"\r\n[NOTICE: Zone halted]\r\n")
    sock.close()
    kz.eq(term.wait(), 0)


@kz.test
def without_d_a_halted_zone_is_waited_for(t):
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-C", "db")
    sock = accept(console)
    sock.sendall(b"\r\n[NOTICE: Zone halted]\r\n")
    sock.close()
    sock = accept(console)
    sock.sendall(b"up again")
    term.read_until("up again")
    term.type("~.")
    kz.eq(term.wait(), 0)


@kz.test
def a_lost_restarter_ends_it(t):
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-C", "db")
    sock = accept(console)
    term.read_until("Connected")
    console[1].close()
    sock.close()
    term.read_until("svc.zones is not running")
    kz.eq(term.wait(), 1)


@kz.test
def signals_restore_the_terminal(t):
    console = zone_db(t)
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        term = Terminal(t, "zlogin", "-C", "db")
        sock = accept(console)
        kz.wait_for(term.raw, "raw terminal")
        term.popen.send_signal(sig)
        term.read_until("ended by a signal")
        kz.eq(term.wait(), 1)
        sock.close()


@kz.test
def in_a_script(t):
    console = zone_db(t)
    script = subprocess.Popen([kz.find_program("zlogin"), "-C", "-d", "-Q", "db"], env=t.env(),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    script.stdin.write("poweroff\n")
    script.stdin.close()
    sock = accept(console)
    receive(sock, "poweroff\n")
    sock.sendall(b"bye\r\n\r\n[NOTICE: Zone halted]\r\n")
    sock.close()
    kz.eq(script.stdout.read(), "bye\n\n[NOTICE: Zone halted]\n")
    script.stdout.close()
    kz.eq(script.wait(kz.DEADLINE), 0)


@kz.test
def a_script_larger_than_the_console_takes(t):
    console = zone_db(t)
    script = subprocess.Popen([kz.find_program("zlogin"), "-C", "-d", "-Q", "db"], env=t.env(),
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    sock = accept(console)
    lines = b"".join(b"line %d\n" % i for i in range(100000))
    got = bytearray()
    pending = memoryview(lines)
    os.set_blocking(script.stdin.fileno(), False)
    while len(got) < len(lines):
        wants = [script.stdin] if pending else []
        readable, writable, _ = select.select([sock], wants, [], kz.DEADLINE)
        if not readable and not writable:
            raise AssertionError("stuck at %d of %d bytes" % (len(got), len(lines)))
        if writable:
            pending = pending[os.write(script.stdin.fileno(), pending[:65536]):]
        if readable:
            got += sock.recv(65536)
    kz.eq(bytes(got) == lines, True, "every byte arrived in order")
    script.stdin.close()
    sock.sendall(b"[NOTICE: Zone halted]\r\n")
    sock.close()
    kz.eq(script.wait(kz.DEADLINE), 0)


@kz.test
def what_cannot_be(t):
    zlogin = lambda *args: t.run("zlogin", *args, status=1).stderr
    kz.has(zlogin("-C", "nozone"), "zone 'nozone' unknown")
    kz.has(zlogin("-C", "../etc"), "unknown")
    t.write("etc/zones/db.json", "{}")
    kz.has(zlogin("-C", "db"), "the zone is not installed")
    kz.has(zlogin("db"), "logging in from here is not there yet; 'zlogin -C db' is its console")
    kz.has(zlogin("db", "ls", "-l"), "'zlogin -C db' is its console")
    kz.has(zlogin("-d", "db"), "-d goes with -C only")
    kz.has(zlogin("-C", "-l", "root", "db"), "do not go with -C")
    kz.has(zlogin("-C", "-S", "db"), "do not go with -C")
    kz.has(zlogin("-C", "db", "ls"), "no utility is run with -C")
    kz.has(zlogin("-e", "ab", "-C", "db"), "one character")
    kz.has(zlogin("-x"), "illegal option -- x")
    kz.has(zlogin(), "which zone?")
    kz.has(t.run("zlogin", "-h").stdout, "usage: zlogin")
    path, sock = listening_console(t.path("run/zones/db/console.sock"))
    sock.close()
    kz.has(zlogin("-C", "db"), "svc.zones is not running")


@kz.test
def somebody_elses_console(t):
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-C", "db")
    sock = accept(console)
    sock.sendall(b"Console already in use by process ID 42.\r\n")
    sock.close()
    term.read_until("Console already in use by process ID 42.")
    term.read_until("zlogin: zone 'db': the console is in use")
    kz.eq(term.wait(), 1)


@kz.test
def a_real_zone_over_a_reboot(t):
    kz.need_kvm()
    console = zone_db(t)
    term = Terminal(t, "zlogin", "-C", "db")  # waits for the zone
    term.read_until("Connected")
    host = Host(t, console=console)
    c = host.connect()
    c.boot()
    term.read_until("[NOTICE: Zone booting up]")
    term.read_until("kzones guest: zone db")
    second = Client(host)
    kz.eq(second.read_all(),
          "Console already in use by process ID %d.\r\n" % term.popen.pid)
    term.read_until("> ")
    term.type("reboot\r")
    kz.eq(c.event()[0], "reset")
    term.read_until("[NOTICE: Zone rebooting]")
    host.wait()
    host = Host(t, console=console)
    c = host.connect()
    c.boot()
    term.read_until("kzones guest: zone db")
    term.read_until("> ")
    term.type("echo there\r")
    term.read_until("\nthere")
    term.type("\r~.")
    kz.eq(term.wait(), 0)


kz.main()
