# SPDX-License-Identifier: BSD-2-Clause
"""kzhost's disks, driven by the built-in guest through all of the sandbox, with each engine."""

import os
import re

import kz
from fake_restarter import Client, Host, exit_status

PROMPT = "db> "
MIB = 1 << 20
READ_ONLY, DISCARD, ZERO = 1, 4, 8  # CTL_DISK_*
IO_URING, PLAIN = 1, 2  # as STATUS has engines


def booted(t, lacks=None):
    """A guest with a disk of 16 MiB and a read-only one, on a host that lacks system calls."""
    kz.need_kvm()
    wrapper = [kz.find_program("without"), lacks] if lacks else []
    host = Host(t, wrapper=wrapper)
    c = host.connect()
    kz.eq(c.create(), (0, ""))
    for n, flags in enumerate((DISCARD | ZERO, READ_ONLY)):
        path = t.path("disk%d" % n)
        with open(path, "wb") as f:
            f.truncate(16 * MIB)
        kz.eq(c.disk(path, n, flags), (0, ""))
    c.good("start")
    client = Client(host)
    client.read_until(PROMPT)
    return host, c, client


def command(client, line):
    client.send(line + "\r")
    return client.read_until("\n" + PROMPT)


def works(t, lacks, engine):
    host, c, client = booted(t, lacks)
    kz.eq(c.status()["disk_engine"], engine)
    kz.has(command(client, "disk write 0 100 70 5"), "70 sectors, ok")
    kz.has(command(client, "disk verify 0 100 70 5"), "0 bad, ok")
    for verb, count in (("flush", ""), ("discard", "1000 64"), ("zero", "2001 3")):
        kz.has(command(client, "disk %s 0 %s" % (verb, count)), ": ok")
    kz.has(command(client, "disk write 1 0 1"), "I/O error")
    for bench in ("randwrite 4096 32 200", "seqread 131072 8 200"):
        kz.has(command(client, "disk bench 0 " + bench), " 0 errors")
    for device in ("disk", "con", "rng"):
        said = command(client, "conform quiet " + device)
        kz.eq(re.findall(r"conform: \d+ checks, \d+ ok, (\d+) failed", said), ["0"], said)
    kz.has(command(client, "evil all"), " misdeeds, 0 not as expected")
    kz.eq(c.status()["disk_errors"], 0)
    c.good("shutdown")
    kz.eq(c.ended(), True)
    kz.eq(host.wait(), exit_status("poweroff"))
    kz.eq(os.path.getsize(t.path("disk0")), 16 * MIB)


@kz.test
def io_uring(t):
    works(t, None, IO_URING)


@kz.test
def plain_reads_and_writes_where_io_uring_is_disabled(t):
    works(t, "io_uring_setup", PLAIN)


kz.main()
