# SPDX-License-Identifier: BSD-2-Clause
"""The built-in guest's virtio drivers against QEMU's devices, the reference.

The first argument is QEMU's accelerator, tcg or kvm. Firmware, which these machines need to
place the BARs, takes seconds under the build machines' KVM; so what does not depend on the
accelerator is tested with tcg only.
"""

import functools
import re
import socket
import struct
import sys

import kz
import qemu
from qemu import check, match

ACCEL = sys.argv.pop(1)
Guest = functools.partial(qemu.Guest, ACCEL)

SECTORS = 8192
BENCH = (r"disk bench: {} bs {} depth {} queues {}: (\d+) iops, (\d+) MB/s, mean \d+\.\d us, "
         r"p99 \d+ us, (\d+) requests, (\d+) kicks, (\d+) interrupts, 0 errors\n")


def tcg_test(fn):
    """As kz.test, with tcg only."""
    return kz.test(fn) if ACCEL == "tcg" else fn


def image(t, name="disk.img", sectors=SECTORS):
    path = t.path(name)
    with open(path, "wb") as f:
        f.truncate(sectors * 512)
    return path


def disk(path, n=0, drive="", device=""):
    return ["-drive", f"if=none,id=d{n},file={path},format=raw{drive}",
            "-device", f"virtio-blk-pci,drive=d{n},disable-legacy=on,serial=DISK{n}{device}"]


def console(t, *devices):
    """A virtio console with two ports, both on sockets of ours; (arguments, sockets)."""
    args = ["-device", "virtio-serial-pci,disable-legacy=on,max_ports=4"]
    sockets = []
    for i, device in enumerate(devices):
        path = t.path(f"c{i}")
        listener = socket.socket(socket.AF_UNIX)
        listener.settimeout(kz.DEADLINE)
        listener.bind(path)
        listener.listen(1)
        sockets.append(listener)
        args += ["-chardev", f"socket,id=c{i},path={path}", "-device", f"{device},chardev=c{i}"]
    return args, sockets


def accepted(listeners):
    peers = []
    for listener in listeners:
        peer = listener.accept()[0]
        peer.settimeout(kz.DEADLINE)
        peers.append(peer)
        listener.close()
    return peers


def receive(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        check(part, f"only {data!r}")
        data += part
    return data


@tcg_test
def pci_is_listed_by_ports_and_by_ecam(t):
    for machine, bridge, way in (("pc", "8086:1237", "ports"), ("q35", "8086:29c0", "ECAM")):
        with Guest(machine=machine, args=disk(image(t))) as g:
            g.wait_prompt()
            seen = g.command("pci")
            check(f"pci 00:00.0: {bridge} class 0600\n" in seen, seen)
            check(re.search(r"pci 00:..\.0: 1af4:1042 class 0100\n", seen), seen)
            check(re.search(rf"\npci: \d+ functions, by {way}\n$", seen), seen)


@tcg_test
def no_devices_is_said(_):
    with Guest() as g:
        g.wait_prompt()
        kz.eq(g.command("pci"), "pci: 0 functions, by ports\n")
        kz.eq(g.command("disk list"), "disk list: 0 disks\n")
        kz.eq(g.command("disk id 3"), "disk: there is no disk 3\n")
        kz.eq(g.command("rng"), "rng: there is no device\n")
        kz.eq(g.command("con list"), "con: there is no console\n")


@tcg_test
def disks_are_told_apart(t):
    args = disk(image(t, "a"), 0, device=",num-queues=2") + disk(
        image(t, "b", 100), 1, device=",physical_block_size=4096,logical_block_size=512")
    with Guest(machine="pc", args=args) as g:
        g.wait_prompt()
        match(rf"disk 0: slot \d+, {SECTORS} sectors, block size 512, 2 queues of \d+, "
              r"features [0-9a-f]+ flush discard zero\n"
              r"disk 1: slot \d+, 100 sectors, block size 512, 1 queues of .*\n"
              r"disk list: 2 disks\n", g.command("disk list"))
        kz.eq(g.command("disk id 0"), "disk id: ok 'DISK0'\n")
        kz.eq(g.command("disk id 1"), "disk id: ok 'DISK1'\n")
        match(r"disk 1: slot .*\n", g.command("disk info 1"))


@kz.test
def what_was_written_is_in_the_image_and_is_verified(t):
    path = image(t)
    variants = ["", ",event_idx=off", ",indirect_desc=off", ",event_idx=off,indirect_desc=off",
                ",iothread=io"]
    for features in variants if ACCEL == "tcg" else variants[-2:]:
        with Guest(machine="q35", args=["-object", "iothread,id=io",
                                        *disk(path, device=features)]) as g:
            g.wait_prompt()
            kz.eq(g.command("disk write 0 10 3000 7"), "disk write: 3000 sectors, ok\n")
            kz.eq(g.command("disk flush 0"), "disk flush: ok\n")
            kz.eq(g.command("disk verify 0 10 3000 7"), "disk verify: 3000 sectors, 0 bad, ok\n")
            with open(path, "rb") as f:
                for sector in (10, 11, 3009):
                    f.seek(sector * 512)
                    kz.eq(struct.unpack("<QQ", f.read(16)), (sector, 7))
                words = struct.unpack("<64Q", (f.seek(10 * 512), f.read(512))[1])
            seen = g.command("disk read 0 10 1")
            kz.eq(seen, f"disk read: 1 sectors, checksum {sum(words) % 2**64:016x}\n")


@tcg_test
def wrong_sectors_are_told(t):
    path = image(t)
    with Guest(machine="pc", args=disk(path)) as g:
        g.wait_prompt()
        g.command("disk write 0 0 20 5")
        with open(path, "r+b") as f:
            f.seek(3 * 512)
            sector = f.read(512)
            f.seek(4 * 512)
            f.write(sector)
            f.seek(6 * 512 + 300)
            f.write(b"!")
        kz.eq(g.command("disk verify 0 0 4 5"), "disk verify: 4 sectors, 0 bad, ok\n")
        kz.eq(g.command("disk verify 0 4 2"),
              "disk verify: sector 4 holds sector 3\ndisk verify: 2 sectors, 1 bad\n")
        kz.eq(g.command("disk verify 0 6 2"),
              "disk verify: sector 6 is damaged\ndisk verify: 2 sectors, 1 bad\n")
        kz.eq(g.command("disk verify 0 8 2 6"), "disk verify: sector 8 holds seed 5 instead "
              "of 6\ndisk verify: 2 sectors, 2 bad\n")
        kz.eq(g.command("disk verify 0 20 1"),
              "disk verify: sector 20 is all zeros\ndisk verify: 1 sectors, 1 bad\n")


@tcg_test
def zeroes_and_discard(t):
    path = image(t)
    with Guest(machine="pc", args=disk(path, drive=",discard=unmap")) as g:
        g.wait_prompt()
        g.command("disk write 0 0 64 5")
        kz.eq(g.command("disk zero 0 8 8"), "disk zero: ok\n")
        kz.eq(g.command("disk discard 0 16 8"), "disk discard: ok\n")
        kz.eq(g.command("disk verify 0 0 8 5"), "disk verify: 8 sectors, 0 bad, ok\n")
        kz.has(g.command("disk verify 0 8 8 5"), "sector 8 is all zeros\n")
        kz.eq(g.command("disk verify 0 24 40 5"), "disk verify: 40 sectors, 0 bad, ok\n")
        kz.eq(g.command(f"disk zero 0 {SECTORS - 4} 8"), "disk zero: I/O error\n")


@tcg_test
def errors_are_told(t):
    path = image(t)
    with Guest(machine="pc", args=disk(path, drive=",readonly=on")) as g:
        g.wait_prompt()
        kz.has(g.command("disk info"), "read-only")
        kz.eq(g.command("disk write 0 5 1"), "disk write: I/O error at sector 5\n")
        kz.eq(g.command(f"disk read 0 {SECTORS - 1} 2"),
              f"disk read: I/O error at sector {SECTORS - 1}\n")
        kz.has(g.command("disk read 0 0 1"), "checksum 0000000000000000\n")
        kz.eq(g.command("disk read 0 x 1"), "disk: SECTOR COUNT [SEED] must be numbers\n")
        kz.eq(g.command("disk read x"), "disk: N must be a number\n")
        kz.has(g.command("disk turn 0"), "not 'turn'")


@kz.test
def bench_counts(t):
    args = disk(image(t), device=",num-queues=2")
    with Guest(machine="pc", args=args) as g:
        g.wait_prompt()
        for kind, bs, depth, queues in (("randread", 4096, 1, 1), ("randwrite", 4096, 32, 2),
                                        ("seqread", 131072, 4, 1), ("seqwrite", 65536, 1, 2)):
            m = match(BENCH.format(kind, bs, depth, queues),
                      g.command(f"disk bench 0 {kind} {bs} {depth} 100 {queues}"))
            check(int(m[3]) >= depth and 0 < int(m[4]) <= int(m[3]), m[0])
        # Without polling each request at depth 1 ends by an interrupt, or before the halt.
        m = match(BENCH.format("randread", 512, 1, 1),
                  g.command("disk bench 0 randread 512 1 100 1 0"))
        check(0 < int(m[5]) <= int(m[3]) + 1, m[0])
        for wrong in ("0 randread 100", "0 randread 4096 0", "0 randread 4096 1000",
                      "0 randread 4096 1 1 3", "0 reread 1", "0 seqread 4096 a"):
            match(r"disk bench: (no such|KIND is|BS DEPTH).*\n",
                  g.command("disk bench " + wrong))


@tcg_test
def interrupt_key_ends_bench_and_the_disk_works_on(t):
    with Guest(machine="pc", args=disk(image(t))) as g:
        g.wait_prompt()
        g.send("disk bench 0 randread 4096 8 3600000\r")
        g.wait_for("3600000\n")
        g.send("\x03")
        g.wait_for(r"disk bench: interrupted\n" + qemu.PROMPT)
        kz.eq(g.command("disk flush 0"), "disk flush: ok\n")
        kz.eq(g.command("disk reset 0"), "disk reset: ok\n")


@tcg_test
def entropy(_):
    with Guest(machine="pc", args=["-device", "virtio-rng-pci,disable-legacy=on"]) as g:
        g.wait_prompt()
        seen = {match(r"([0-9a-f]{32})\nrng: 16 bytes, \d+ bits set, \d+ requests\n",
                      g.command("rng"))[1] for _ in range(3)}
        kz.eq(len(seen), 3, "the same bytes twice")
        m = match(r"rng: 50000 bytes, (\d+) bits set, \d+ requests\n", g.command("rng 50000"))
        check(abs(int(m[1]) - 200000) < 2000, m[0])
        kz.eq(g.command("rng some"), "rng: BYTES must be a number\n")


@kz.test
def console_ports(t):
    args, listeners = console(t, "virtconsole,name=hvc", "virtserialport,name=org.kzones.goals")
    with Guest(machine="pc", args=args) as g:
        hvc, goals = accepted(listeners)
        g.wait_prompt()
        kz.eq(g.command("con list"),
              "con port 0: console, name 'hvc', host open\n"
              "con port 1: port, name 'org.kzones.goals', host open\ncon list: 2 ports of 4\n")
        kz.eq(g.command("con write org.kzones.goals x"), "con write: 1 bytes\n")
        kz.eq(receive(goals, 1), b"x")
        kz.eq(g.command("con write 0 to the console"), "con write: 14 bytes\n")
        kz.eq(receive(hvc, 14), b"to the console")
        goals.sendall(b"from outside")
        kz.eq(g.command("con read 1 60000"), "con read: 12 bytes: from outside\n")
        kz.eq(g.command("con read 1 1"), "con read: nothing\n")
        kz.eq(g.command("con read 3"), "con: there is no port '3'\n")
        kz.eq(g.command("con write org.none x"), "con: there is no port 'org.none'\n")
        for i in range(40):  # more than there are receive buffers
            hvc.sendall(b"%d" % (1000 + i))
            kz.eq(g.command("con read hvc 60000"), f"con read: 4 bytes: {1000 + i}\n")
        goals.close()
        kz.wait_for(lambda: "'org.kzones.goals', host closed\n" in g.command("con list"),
                    "the host's side is seen to close")


@tcg_test
def drivers_and_mem_share_memory(t):
    with Guest(machine="pc", args=disk(image(t))) as g:
        g.wait_prompt()
        g.command("disk write 0 0 2000 3")
        match(r"mem fill: .*\n", g.command("mem fill 1"))
        kz.eq(g.command("disk verify 0 0 2000 3"), "disk verify: 2000 sectors, 0 bad, ok\n")
        match(r"mem check: .*, ok\n", g.command("mem check 1"))


kz.main()
