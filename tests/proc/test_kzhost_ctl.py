# SPDX-License-Identifier: BSD-2-Clause
"""kzhost's control socket against a peer that does everything wrong; no guest runs here."""

import errno
import os
import random
import signal
import socket
import tempfile

import kz
from fake_restarter import (CREATE, HDR, REQUESTS, SIZES, VERSION, Ended, Host, capabilities,
                            exit_status)

SEED = int(os.environ.get("KZ_SEED", "1"))


def still_serves(host):
    """A new connection is served and the host is as it was."""
    c = host.connect()
    kz.eq(c.hello_reply["state"], "empty")
    kz.eq(c.hello_reply["pid"], host.pid)
    c.close()


def thread_names(pid):
    return {name.rstrip("\n") for name in kz.of_threads(pid, "comm").values()}


@kz.test
def options(t):
    kz.has(t.run("kzhost", "--selftest").stdout, "control protocol: good")
    kz.has(t.run("kzhost", "-h").stdout, "usage: kzhost")
    kz.has(t.run("kzhost", status=2).stderr, "-z needs the name of a zone")
    kz.has(t.run("kzhost", "-z", "x" * 65, status=2).stderr, "-z needs")
    kz.has(t.run("kzhost", "-z", "db", "-D", "nonsense", status=2).stderr, "virtq")
    kz.has(t.run("kzhost", "-x", status=2).stderr, "unknown option")
    kz.has(t.run("kzhost", "-z", "db", status=1).stderr,
           "descriptor 3 is not a listening SEQPACKET socket")


@kz.test
def hello_tells_who_and_what(t):
    host = Host(t)
    c = host.connect()
    kz.eq(c.hello_reply["error"], 0)
    kz.eq(c.hello_reply["zone"], "db")
    kz.eq(c.hello_reply["pid"], host.pid)
    kz.eq(c.hello_reply["state"], "empty")
    kz.eq(c.hello_reply["uuid"], bytes(16))
    kz.eq(c.status()["state"], "empty")


@kz.test
def hello_of_another_version_is_refused(t):
    host = Host(t)
    c = host.connect(hello=False)
    kz.eq(c.hello(min_version=VERSION + 1)["error"], errno.EPROTONOSUPPORT)
    c.send(c.header("status"))  # not greeted yet
    kz.eq(c.ended(), True)
    still_serves(host)


@kz.test
def hello_must_come_first(t):
    host = Host(t)
    for name in REQUESTS:
        if name != "hello":
            c = host.connect(hello=False)
            c.send(c.header(name) + bytes(SIZES[name] - HDR.size))
            kz.eq(c.ended(), True, name)
    still_serves(host)


@kz.test
def random_bytes_of_every_size(t):
    host = Host(t)
    rng = random.Random(SEED)
    print("# seed %d" % SEED)
    for size in range(0, 4097):
        c = host.connect(hello=False)
        c.send(rng.randbytes(size))
        c.ended()
        c.close()
    still_serves(host)


@kz.test
def true_headers_of_every_size(t):
    """A correct header with a body of any other length is answered or ends the connection."""
    host = Host(t)
    rng = random.Random(SEED)
    requests = sorted(REQUESTS)
    c = host.connect()
    for size in range(HDR.size, 4097):
        name = requests[size % len(requests)]
        if size == SIZES[name]:
            continue
        c.send(c.header(name) + rng.randbytes(size - HDR.size))
        try:
            c.answer()
        except Ended:
            c.close()
            c = host.connect()
    c.close()
    still_serves(host)


@kz.test
def oversized_messages(t):
    host = Host(t)
    for size in (4097, 5000, 100000):
        c = host.connect()
        c.send(c.header("status") + bytes(size - HDR.size))
        kz.eq(c.ended(), True, "size %d" % size)
    still_serves(host)


@kz.test
def disks_come_between_create_and_start(t):
    host = Host(t)
    path = t.path("disk")
    with open(path, "wb") as f:
        f.truncate(8 << 20)
    c = host.connect()
    kz.has(c.disk(path)[1], "not now, the zone is empty")
    kz.eq(c.create(), (0, ""))
    kz.eq(c.disk(path, 15), (0, ""))
    kz.eq(c.disk(path, 0, flags=1), (0, ""))  # read-only
    kz.has(c.disk(path, 16)[1], "id 16")
    kz.has(c.disk("/dev/null", 1, size=4096)[1], "neither a file nor a block device")
    c.good("start")
    kz.has(c.disk(path, 1)[1], "not now, the zone is running")
    status = c.status()
    kz.eq((status["n_disks"], status["disk_errors"], status["guest_errors"]), (2, 0, 0))
    for name in ("vcpu0", "vblk0 q0", "vblk15 q0", "devices"):
        kz.wait_for(lambda: name in thread_names(host.pid), "thread " + name)
    kz.eq((status["n_page_cache"], status["n_read_only"]), (2, 1))  # no O_DIRECT was given
    c.good("halt")
    kz.eq(host.wait(), exit_status("halted"))


@kz.test
def two_disks_with_one_id_end_the_zone(t):
    host = Host(t)
    path = t.path("disk")
    with open(path, "wb") as f:
        f.truncate(8 << 20)
    c = host.connect()
    kz.eq(c.create(), (0, ""))
    kz.eq(c.disk(path, 2), (0, ""))
    kz.eq(c.disk(path, 2), (errno.EBUSY, "device 2: there is one with this id"))
    kz.eq(c.event(), ("failed", "device 2: there is one with this id"))
    kz.eq(host.wait(), exit_status("failed"))


@kz.test
def disk_with_no_room_for_the_guest_ends_the_zone(t):
    host = Host(t)
    path = t.path("disk")
    with open(path, "wb") as f:
        f.truncate(1 << 20)
    c = host.connect()
    kz.eq(c.create(), (0, ""))
    kz.has(c.disk(path, 0, flags=2)[1], "1048576 bytes are too few for a disk that a zone boots")
    kz.eq(host.wait(), exit_status("failed"))


@kz.test
def descriptors_are_never_kept(t):
    kz.need_root()  # to count them
    host = Host(t)
    still_serves(host)
    c = host.connect()  # one connection is open at both counts
    before = host.fds()
    c.close()
    null = os.open("/dev/null", os.O_RDWR)
    for count in (1, 5, 16, 17, 200):
        for name in REQUESTS:
            c = host.connect()
            c.send(c.header(name) + bytes(SIZES[name] - HDR.size), [null] * count)
            try:
                c.answer()
            except Ended:
                pass
            c.close()
    for count in (1, 16):  # with garbage
        c = host.connect()
        c.send(b"x" * 20, [null] * count)
        kz.eq(c.ended(), True)
    os.close(null)
    still_serves(host)
    c = host.connect()
    kz.eq(host.fds(), before, "descriptors of kzhost")


@kz.test
def requests_in_the_wrong_state(t):
    host = Host(t)
    c = host.connect()
    for name in ("start", "shutdown"):
        kz.eq(c.ask(name), (errno.EBUSY, "%s: not now, the zone is empty" % name))
    kz.eq(c.status()["state"], "empty")


@kz.test
def create_with_wrong_fields(t):
    host = Host(t)
    c = host.connect()
    null = os.open("/dev/null", os.O_RDWR)
    fds = {"kvm": null, "kernel": null, "log": null}
    for how, text in (({"vcpus": 0}, "0 vCPUs"), ({"vcpus": 65}, "65 vCPUs"),
                      ({"ram": 0}, "0 bytes of memory"), ({"ram": 4096}, "4096 bytes"),
                      ({"mask": 1}, "descriptors came"), ({"mask": 1 << 6}, "unknown"),
                      ({"zone": "web"}, "this is the host of zone db"),
                      ({"zone": ""}, "bad zone name")):
        err, said = c.create(**{**fds, **how})
        kz.eq(err, errno.EINVAL, str(how))
        kz.has(said, text)
    os.close(null)
    kz.eq(c.status()["state"], "empty")


@kz.test
def create_with_wrong_descriptors(t):
    host = Host(t)
    c = host.connect()
    null = os.open("/dev/null", os.O_RDWR)
    directory = os.open("/", os.O_RDONLY)
    pipe_read, pipe_write = os.pipe()
    plain_socket = socket.socket(socket.AF_UNIX)
    with tempfile.TemporaryFile() as f:
        file = f.fileno()
        base = {"kvm": null, "kernel": file, "log": file}
        for how, text in (({"kvm": None}, "/dev/kvm: no descriptor was sent"),
                          ({"kernel": None},
                           "kernel, firmware: no descriptor was sent of either"),
                          ({"firmware": file}, "kernel and firmware: only one of them can boot"),
                          ({"firmware": directory}, "firmware: not a regular file"),
                          ({"kernel": None, "firmware": file, "initrd": file},
                           "initrd: it goes with a kernel only"),
                          ({"console": None}, "console: no descriptor was sent"),
                          ({"kvm": pipe_read}, "/dev/kvm: not a character device"),
                          ({"kernel": directory}, "kernel: not a regular file"),
                          ({"kernel": pipe_read}, "kernel: not a regular file"),
                          ({"initrd": directory}, "initrd: not a regular file"),
                          ({"log": pipe_write}, "console log: not a file or device"),
                          ({"console": file}, "console: not a listening stream socket"),
                          ({"console": plain_socket.fileno()},
                           "console: not a listening stream socket")):
            kz.eq(c.create(**{**base, **how}), (errno.EINVAL, text), str(how))
        kz.eq(c.status()["state"], "empty")
        # A character device that is not KVM: found by the machine; the host ends.
        err, text = c.create(**base)
        kz.eq(err != 0 and text != "", True, "/dev/null as /dev/kvm")
        kz.eq(c.event()[0], "failed")
    kz.eq(host.wait(), exit_status("failed"))
    for fd in (null, directory, pipe_read, pipe_write):
        os.close(fd)


@kz.test
def a_peer_that_does_not_read_is_dropped(t):
    host = Host(t)
    c = host.connect()
    c.sock.settimeout(kz.DEADLINE)
    try:
        for _ in range(100000):
            c.send(c.header("status"))
    except (BrokenPipeError, ConnectionResetError):
        pass
    else:
        raise AssertionError("100000 requests were taken from a peer that never reads")
    still_serves(host)


@kz.test
def one_connection_at_a_time(t):
    host = Host(t)
    first = host.connect()
    second = host.connect(hello=False)  # waits in the backlog
    second.send(second.header("hello") + (VERSION).to_bytes(4, "little") + bytes(4))
    kz.eq(first.status()["state"], "empty")
    first.close()
    kz.eq(second.answer()[0], REQUESTS["hello"])


@kz.test
def halt_of_an_empty_host(t):
    host = Host(t)
    c = host.connect()
    c.good("halt")
    kz.eq(c.event(), ("halted", ""))
    kz.eq(host.wait(), exit_status("halted"))


@kz.test
def halt_by_a_restarter_that_dies_before_the_answer(t):
    host = Host(t)
    c = host.connect()
    host.kill(signal.SIGSTOP)
    c.send(c.header("halt"))
    c.close()
    host.kill(signal.SIGCONT)  # nobody hears the cause: it ends all the same, after CTL_TELL_MS
    kz.eq(host.wait(), exit_status("halted"))


@kz.test
def signals_of_a_terminal_do_not_end_it(t):
    host = Host(t)
    still_serves(host)
    for sig in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
        host.kill(sig)
    still_serves(host)


@kz.test
def confined_before_the_first_message(t):
    host = Host(t)
    still_serves(host)
    with open("/proc/%d/status" % host.pid) as f:
        status = f.read()
    kz.has(status, "NoNewPrivs:\t1")
    kz.has(status, "Seccomp:\t2")
    kz.eq(capabilities(status) & ~kz.CAP_IPC_LOCK, 0)
    kz.eq(len(CREATE.pack(*[0] * 6, b"", 0, b"", b"", b"", 0, 0)), SIZES["create"])


kz.main()
