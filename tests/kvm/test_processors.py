# SPDX-License-Identifier: BSD-2-Clause
"""kzhost with as many processors as a zone may have, and what it costs while its guest sleeps."""

import os
import sys
import time

import kz

sys.path.insert(0, os.path.join(kz.SOURCE, "tests", "proc"))
from fake_restarter import RAM, Client, Host, cpu_use, exit_status, private_bytes  # noqa: E402

VCPUS_MAX = 64
QUEUES_MAX = 4
PROMPT = "> "

# Of a booted zone with two disks whose guest does nothing.
IDLE_S = 2
IDLE_PERCENT_MAX = 0.5
IDLE_WAKES_MAX = 50  # a second; a timer that was left over is felt before its percents are
PRIVATE_MIB_MAX = 6


def booted(t, vcpus, disks=2):
    """A host whose guest is at its prompt, with its control and console connections."""
    kz.need_kvm()
    host = Host(t)
    c = host.connect()
    kz.eq(c.create(vcpus=vcpus), (0, ""), "create")
    for number in range(disks):
        path = t.path("disk%d" % number)
        with open(path, "wb") as f:
            f.truncate(8 << 20)
        kz.eq(c.disk(path, number), (0, ""), "disk")
    c.good("start")
    client = Client(host)
    client.read_until("ready, %d MiB, %d vCPU" % (RAM >> 20, vcpus))
    client.read_until(PROMPT)
    return host, c, client


def command(client, line):
    client.send(line + "\r")
    client.read_until("\r\n")  # its echo
    return client.read_until("\n" + "db" + PROMPT)


def thread_names(host):
    return [name.strip() for name in kz.of_threads(host.pid, "comm").values()]


def halt(host, c):
    c.good("halt")
    kz.eq(c.event(), ("halted", ""))
    kz.eq(host.wait(), exit_status("halted"))
    kz.eq("not allowed" in host.output(), False, host.output())


@kz.test
def has_all_its_processors_and_a_queue_a_processor(t):
    host, c, client = booted(t, VCPUS_MAX)
    kz.eq(c.status()["n_vcpus"], VCPUS_MAX)
    expected = sorted(["vcpu%d" % i for i in range(VCPUS_MAX)]
                      + ["vblk%d q%d" % (d, q) for d in range(2) for q in range(QUEUES_MAX)])
    kz.wait_for(lambda: sorted(n for n in thread_names(host) if n[0] == "v") == expected,
                "a thread a processor and a thread a queue")
    kz.has(command(client, "disk info 1"), "%d queues of" % QUEUES_MAX)
    kz.has(command(client, "disk write 0 0 4096 3"), "4096 sectors, ok")
    kz.has(command(client, "disk verify 0 0 4096 3"), "0 bad, ok")
    for kind in ("randread", "randwrite"):
        kz.has(command(client, "disk bench 1 %s 4096 32 200 %d" % (kind, QUEUES_MAX)),
               " 0 errors")
    kz.eq((c.status()["guest_errors"], c.status()["disk_errors"]), (0, 0))
    halt(host, c)


@kz.test
def a_disk_has_no_more_queues_than_there_are_processors(t):
    for vcpus in (1, 3):
        host, c, client = booted(t, vcpus, disks=1)
        kz.has(command(client, "disk info 0"), "%d queues of" % vcpus)
        halt(host, c)


def idle(t, vcpus):
    host, c, client = booted(t, vcpus)
    for number in range(2):
        kz.has(command(client, "disk bench %d randread 4096 8 100 %d"
                       % (number, min(vcpus, QUEUES_MAX))), " 0 errors")
    kz.wait_for(lambda: c.status()["resident_bytes"] == RAM and "fill" not in thread_names(host),
                "guest memory is filled")
    (ns, waits), began = cpu_use(host.pid), time.monotonic()
    time.sleep(IDLE_S)  # what is measured
    (ns_then, waits_then), seconds = cpu_use(host.pid), time.monotonic() - began
    percent, wakes = (ns_then - ns) / seconds / 1e7, (waits_then - waits) / seconds
    private = private_bytes(host.pid, RAM) / (1 << 20)
    kz.comment("%d vCPUs: %.3f %% of a CPU, %.1f wakes a second, %.2f MiB"
               % (vcpus, percent, wakes, private))
    kz.eq(percent < IDLE_PERCENT_MAX, True, "%.3f %% of a CPU while idle" % percent)
    kz.eq(wakes < IDLE_WAKES_MAX, True, "%.1f wakes a second while idle" % wakes)
    if not kz.sanitized(host.pid):
        kz.eq(private < PRIVATE_MIB_MAX, True, "%.2f MiB besides the guest's" % private)
    halt(host, c)


@kz.test
def an_idle_zone_costs_next_to_nothing(t):
    kz.need_root()  # to look at its memory
    idle(t, 2)


@kz.test
def an_idle_zone_with_all_its_processors_does_neither(t):
    kz.need_root()
    idle(t, VCPUS_MAX)


kz.main()
