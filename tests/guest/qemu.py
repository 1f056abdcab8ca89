# SPDX-License-Identifier: BSD-2-Clause
"""QEMU as the machine of the built-in guest: its serial line and its control socket."""

import json
import os
import re
import select
import shutil
import socket
import subprocess
import time

import kz

PROMPT = "t1> "
MICROVM = "microvm,pic=off,pit=off,rtc=on"


class Guest:
    """One QEMU with the guest on its stdio, and QMP on a socket pair."""

    def __init__(self, accel, cmdline="kzones.zone=t1", machine=MICROVM, args=()):
        if not shutil.which("qemu-system-x86_64"):
            raise kz.Skip("no qemu-system-x86_64")
        if accel == "kvm":
            kz.need_kvm()
        self.text = ""
        ours, theirs = socket.socketpair()
        self.proc = subprocess.Popen(
            ["qemu-system-x86_64", "-M", machine, "-accel", accel, "-nodefaults",
             "-no-user-config", "-display", "none", "-no-reboot", "-m", "64",
             "-serial", "stdio",
             "-chardev", f"socket,id=q,fd={theirs.fileno()}", "-mon", "q,mode=control",
             "-kernel", kz.find_program("guest.elf"), "-append", cmdline, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()])
        theirs.close()
        self.qmp = ours.makefile("rw", encoding="utf-8")
        ours.settimeout(kz.DEADLINE)
        ours.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()
        self.qmp.close()

    def send(self, text):
        self.proc.stdin.write(text.encode())
        self.proc.stdin.flush()

    def wait_for(self, pattern):
        """Returns what was printed up to the end of the first match of pattern."""
        end = time.monotonic() + kz.DEADLINE
        while not (m := re.search(pattern, self.text)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.proc.stdout], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} in {self.text!r}")
            data = os.read(self.proc.stdout.fileno(), 65536)
            if not data:
                raise AssertionError(f"QEMU ended before {pattern!r}: {self.text!r}")
            self.text += data.decode("ascii", "replace").replace("\r", "")
        seen, self.text = self.text[:m.end()], self.text[m.end():]
        return seen

    def command(self, line):
        """Returns what the guest answers to a command line, echo and prompt cut off."""
        self.send(line + "\r")
        seen = self.wait_for(r"(?m)^" + PROMPT)
        check(seen.startswith(line + "\n"), f"echo of {line!r}: {seen!r}")
        return seen[len(line) + 1:-len(PROMPT)]

    def wait_prompt(self):
        """Waits for the prompt; returns itself."""
        self.wait_for(r"(?m)^" + PROMPT)
        return self

    def event(self, name):
        """Waits for a QMP event and returns its data."""
        while line := self.qmp.readline():
            msg = json.loads(line)
            if msg.get("event") == name:
                return msg.get("data", {})
        raise AssertionError(f"QEMU ended without event {name}")

    def qmp_command(self, name):
        """Runs a QMP command and waits for its answer, which comes before its events."""
        self.qmp.write(json.dumps({"execute": name}) + "\n")
        self.qmp.flush()
        while line := self.qmp.readline():
            if "return" in json.loads(line):
                return
        raise AssertionError(f"QEMU ended before it answered {name}")

    def ended(self):
        """Waits for QEMU's end and returns all that was not read before."""
        out, _ = self.proc.communicate(timeout=kz.DEADLINE)
        check(self.proc.returncode == 0, f"QEMU's exit status {self.proc.returncode}")
        return self.text + out.decode("ascii", "replace").replace("\r", "")


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def match(pattern, text):
    m = re.fullmatch(pattern, text)
    check(m, f"{text!r} is not {pattern!r}")
    return m
