# SPDX-License-Identifier: BSD-2-Clause
"""Whole-program tests: private roots, processes, deadlines, Varlink, TAP.

A test program is a Python file:

    import kz

    @kz.test
    def two_zones_boot_in_order(t):
        t.svc_start()
        t.run("zoneadm", "-z", "db", "boot")
        ...

    kz.main()

Each test function gets a `Case`: a private root directory below $TMPDIR (removed when the
test passes, kept and named when it fails), in which programs run with KZONES_ROOT set, and
whose processes are ended afterwards, by pid. Nothing here sleeps for a fixed time to let
something happen: `wait_for()` asks again until a deadline.
"""

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.environ.get("KZ_SOURCE") or os.path.abspath(
    os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("KZ_BUILD") or os.path.join(SOURCE, "build")
PROGRAM_FOLDERS = ("cli", "restarter", "kzhost", "tests/guest", "tests/proc", "tests/unit")
LIBEXEC = ("kzhost", "guest.elf")  # what paths_libexec() finds
DEADLINE = 60.0  # seconds; generous: the machine may be busy and the build sanitized
IFACE = "org.kzones.restarter"
NOBODY = 65534
CAP_IPC_LOCK = 1 << 14
GUEST_MEMORY = 128 << 20  # what the guests of tests have, and something

_tests = []


class Skip(Exception):
    """Raised to skip a test; its text is the reason."""


class VarlinkError(Exception):
    """An error answer: .name is the full name, .parameters the object that came with it."""

    def __init__(self, name, parameters):
        super().__init__("%s %s" % (name, json.dumps(parameters)))
        self.name = name
        self.parameters = parameters


def test(fn):
    """Decorator: register a test; it is named by its function."""
    _tests.append(fn)
    return fn


def find_program(name):
    """Path of a program of the build tree; Skip when it is not built."""
    for folder in PROGRAM_FOLDERS:
        path = os.path.join(BUILD, folder, name)
        if os.path.isfile(path):
            return path
    raise Skip("%s is not built" % name)


def of_threads(pid, file):
    """{thread: what /proc has in the file of each}, without those that end meanwhile."""
    texts = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/%s" % (pid, tid, file)) as f:
                texts[int(tid)] = f.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return texts


def need_kvm():
    """Skip the test unless /dev/kvm can be used, and a guest's memory be locked."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError as e:
        raise Skip("/dev/kvm: %s" % e.strerror)
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    with open("/proc/self/status") as f:
        may = next(int(line.split()[1], 16) for line in f if line.startswith("CapEff:"))
    if not may & CAP_IPC_LOCK and 0 <= limit < GUEST_MEMORY:
        raise Skip("RLIMIT_MEMLOCK: %d MiB of %d" % (limit >> 20, GUEST_MEMORY >> 20))


def need_root():
    """Skip the test unless it runs as root."""
    if os.geteuid() != 0:
        raise Skip("needs root")


def sanitized(pid):
    """Does a sanitizer keep the process's freed memory, and much of its own?"""
    with open("/proc/%d/maps" % pid) as f:
        text = f.read()
    return "asan" in text or "tsan" in text


def wait_for(fn, what, deadline=DEADLINE):
    """Call fn until it gives something true; that is returned. `what` names it on failure.

    fn may be refused (OSError, JSON that is not there yet): that counts as not yet.
    """
    end = time.monotonic() + deadline
    last = None
    while True:
        try:
            value = fn()
            if value:
                return value
        except (OSError, ValueError) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError("waited %g s for: %s%s"
                                 % (deadline, what, " (%s)" % last if last else ""))
        select.select([], [], [], 0.01)


def eq(is_, expected, what=""):
    """Check that two values are equal; prints both."""
    if is_ != expected:
        raise AssertionError("%s\n  is       %r\n  expected %r"
                             % (what or "values differ", is_, expected))


def has(text, part, what=""):
    """Check that a text (or list, dict) contains something; prints both."""
    if part not in text:
        raise AssertionError("%s\n  is            %r\n  shall contain %r"
                             % (what or "something is missing", text, part))


def golden(name, text):
    """Compare with tests/golden/NAME; UPDATE_GOLDEN=1 writes it instead."""
    path = os.path.join(SOURCE, "tests", "golden", name)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return
    with open(path) as f:
        expected = f.read()
    if text == expected:
        return
    theirs, ours = expected.split("\n"), text.split("\n")
    for i in range(max(len(theirs), len(ours))):
        a = ours[i] if i < len(ours) else "(end)"
        b = theirs[i] if i < len(theirs) else "(end)"
        if a != b:
            raise AssertionError("tests/golden/%s, line %d (UPDATE_GOLDEN=1 accepts it)\n"
                                 "  is       %r\n  expected %r" % (name, i + 1, a, b))


class Process:
    """A program in the background; its output goes to a file below the root."""

    def __init__(self, args, env, log, **user):
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, **user)
        self.pid = self.popen.pid

    def output(self):
        """What it has printed so far."""
        with open(self.log, errors="replace") as f:
            return f.read()

    def alive(self):
        return self.popen.poll() is None

    def kill(self, sig=signal.SIGKILL):
        self.popen.send_signal(sig)

    def wait(self, deadline=DEADLINE):
        """Wait for its end; the exit status (negative: the signal)."""
        return self.popen.wait(deadline)

    def stop(self, sig=signal.SIGTERM, deadline=DEADLINE):
        """Ask it to end and wait; killed when it does not. The exit status."""
        if self.alive():
            self.kill(sig)
        try:
            return self.wait(deadline)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError("pid %d did not end in %g s" % (self.pid, deadline))


class Varlink:
    """A connection to the restarter's socket."""

    def __init__(self, path, deadline=DEADLINE):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(deadline)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise
        self.buffer = b""

    def close(self):
        self.sock.close()

    def send_raw(self, data):
        self.sock.sendall(data)

    def send(self, method, parameters=None, more=False):
        """Send one call; a method without a dot is one of the restarter's interface."""
        name = method if "." in method else "%s.%s" % (IFACE, method)
        call = {"method": name, "parameters": parameters or {}}
        if more:
            call["more"] = True
        self.send_raw(json.dumps(call).encode() + b"\0")

    def receive(self):
        """One message as an object; None at the end of file."""
        while b"\0" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        """Call and give the parameters of the answer; VarlinkError for an error."""
        self.send(method, parameters)
        answer = self.receive()
        if answer is None:
            raise AssertionError("%s: connection closed" % method)
        if "error" in answer:
            raise VarlinkError(answer["error"], answer.get("parameters", {}))
        return answer.get("parameters", {})

    def call_more(self, method, **parameters):
        """Call with "more" and yield the parameters of each answer until the last."""
        self.send(method, parameters, more=True)
        while True:
            answer = self.receive()
            if answer is None:
                raise AssertionError("%s: connection closed" % method)
            if "error" in answer:
                raise VarlinkError(answer["error"], answer.get("parameters", {}))
            yield answer.get("parameters", {})
            if not answer.get("continues"):
                return


class Case:
    """One test: its private root, its processes, shorthands for what tests do."""

    def __init__(self, name):
        self.name = name
        self._root = None
        self._user = {}  # for subprocess: who programs run as, when it is not us
        self._processes = []
        self.svc = None

    @property
    def root(self):
        """The private root; made when first asked for."""
        if not self._root:
            self._root = tempfile.mkdtemp(prefix="kz-test.")
            os.chmod(self._root, 0o755)
            libexec = self.path("libexec")
            os.mkdir(libexec)
            for name in LIBEXEC:
                try:
                    os.symlink(find_program(name), os.path.join(libexec, name))
                except Skip:
                    pass
        return self._root

    def path(self, *parts):
        """A path below the root: path("run/zones", zone, "ctl.sock")."""
        return os.path.join(self._root or self.root, *[p.lstrip("/") for p in parts])

    def unprivileged(self):
        """From now on programs run as nobody (already so unless we are root).

        The root becomes nobody's; programs are run from copies in it, as the build folder
        may be out of nobody's reach.
        """
        if os.geteuid() != 0 or self._user:
            return
        self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        libexec = self.path("libexec")
        for name in os.listdir(libexec):
            program = os.path.realpath(os.path.join(libexec, name))
            os.unlink(os.path.join(libexec, name))
            shutil.copy(program, os.path.join(libexec, name))
        for folder, folders, files in os.walk(self.root):
            for path in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def _own(self, path):
        """What we made below the root is of whoever programs run as."""
        while self._user and path != os.path.dirname(self.root):
            os.chown(path, NOBODY, NOBODY)
            path = os.path.dirname(path)

    def _program(self, program):
        """The path to run for a program's name or path."""
        path = program if "/" in program else find_program(program)
        if not self._user or not path.startswith(BUILD + "/"):
            return path
        copy = self.path("bin", os.path.basename(path))
        if not os.path.exists(copy):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy(path, copy)
        return copy

    def env(self, **more):
        """The environment of programs in this root."""
        env = dict(os.environ, KZONES_ROOT=self.root, KZONES_LIBEXEC=self.path("libexec"))
        env.update(more)
        return env

    def write(self, path, text, mode=0o644):
        """Write a file below the root, making its directories; its path."""
        path = self.path(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        self._own(path)
        return path

    def read(self, path):
        with open(self.path(path), errors="replace") as f:
            return f.read()

    def json(self, path):
        return json.loads(self.read(path))

    def run(self, program, *args, status=0, stdin=None, deadline=DEADLINE, **env):
        """Run a program to its end; fails unless it exits with `status` (None: any).

        Gives the subprocess.CompletedProcess with .stdout and .stderr as texts.
        """
        result = subprocess.run([self._program(program), *args], env=self.env(**env),
                                input=stdin,
                                stdin=None if stdin is not None else subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                timeout=deadline, **self._user)
        if status is not None and result.returncode != status:
            raise AssertionError("%s: exit status %d, expected %d\n%s%s"
                                 % (" ".join([program, *args]), result.returncode, status,
                                    result.stdout, result.stderr))
        return result

    def start(self, program, *args, log=None, **env):
        """Start a program in the background; a Process, ended after the test."""
        log = log or self.path("%s.%d.log" % (os.path.basename(program),
                                              len(self._processes)))
        process = Process([self._program(program), *args], self.env(**env), log,
                          **self._user)
        self._processes.append(process)
        return process

    def connect(self):
        """A Varlink connection to this root's svc.zones."""
        return Varlink(self.path("run/zones/svc.zones.sock"))

    def svc_start(self, *args, wrapper=(), **env):
        """Start svc.zones, by a program that starts another, and wait until it answers; a
        Process."""
        self.svc = self.start(*wrapper, self._program("svc.zones"), *args, **env)

        def answers():
            if not self.svc.alive():
                raise AssertionError("svc.zones ended:\n" + self.svc.output())
            connection = self.connect()
            connection.call("org.varlink.service.GetInfo")
            connection.close()
            return True

        wait_for(answers, "svc.zones answers")
        return self.svc

    def svc_stop(self, sig=signal.SIGTERM):
        """Stop svc.zones; its exit status."""
        return self.svc.stop(sig)

    def svc_kill(self):
        """Kill svc.zones as a crash would."""
        self.svc.kill()
        self.svc.wait()

    def zone(self, name):
        """The zone's object as Zones gives it."""
        connection = self.connect()
        try:
            return connection.call("Zones", zone=name)["zones"][0]
        finally:
            connection.close()

    def instance(self, name):
        """The zone's instance as Instances gives it."""
        connection = self.connect()
        try:
            return connection.call("Instances", zone=name)["instances"][0]
        finally:
            connection.close()

    def wait_zone(self, name, state, deadline=DEADLINE):
        """Wait until the zone is in this state."""
        return wait_for(lambda: self.zone(name)["state"] == state,
                        "zone %s is %s" % (name, state), deadline)

    def wait_instance(self, name, state, deadline=DEADLINE):
        """Wait until the zone's instance is in this state."""
        return wait_for(lambda: self.instance(name)["state"] == state,
                        "instance of %s is %s" % (name, state), deadline)

    def wait_text(self, path, text, deadline=DEADLINE):
        """Wait until a file below the root contains a text."""
        return wait_for(lambda: text in self.read(path), "%r in %s" % (text, path), deadline)

    def finish(self, passed):
        """End what is left; remove the root or say where it is."""
        for process in reversed(self._processes):
            if process.alive():
                process.popen.kill()
                process.wait()
        end_adopted()
        if self._root and passed:
            shutil.rmtree(self._root, ignore_errors=True)
        elif self._root:
            print("# kept: %s" % self._root, flush=True)


def become_subreaper():
    """Orphans (kzhosts of a killed svc.zones) become our children."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children():
    """Pids of the processes whose parent we are."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry) as f:
                fields = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            found.append(int(entry))
    return found


def end_adopted():
    """Kill and reap every process that became ours, until there is none."""
    while True:
        for pid in children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def comment(text):
    """Print lines as TAP comments."""
    for line in text.rstrip("\n").split("\n"):
        print("# " + line, flush=True)


def run_one(fn):
    """Run one test; its TAP result without the number: (ok, directive)."""
    case = Case(fn.__name__)
    passed = False
    try:
        fn(case)
        passed = True
        return True, ""
    except Skip as e:
        passed = True
        return True, " # SKIP %s" % e
    except Exception:
        comment(traceback.format_exc())
        for process in case._processes:
            comment("--- %s" % process.log)
            comment(process.output()[-8000:])
        return False, ""
    finally:
        case.finish(passed)


def main():
    """Run the registered tests (or those whose name contains an argument); TAP; exits."""
    chosen = [fn for fn in _tests
              if len(sys.argv) == 1 or any(a in fn.__name__ for a in sys.argv[1:])]
    become_subreaper()
    failed = 0
    print("1..%d" % len(chosen), flush=True)
    for number, fn in enumerate(chosen, 1):
        ok, directive = run_one(fn)
        failed += not ok
        print("%sok %d - %s%s" % ("" if ok else "not ", number, fn.__name__, directive),
              flush=True)
    sys.exit(1 if failed else 0)
