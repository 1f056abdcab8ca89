# SPDX-License-Identifier: BSD-2-Clause
"""kzhost with the built-in guest in it, driven by a fake restarter."""

import errno
import os
import time

import kz
from fake_restarter import RAM, Client, Host, capabilities, exit_status

GREETING = "kzones guest: zone db"
PROMPT = "> "


def booted(t, **how):
    """A host whose guest has said its greeting, with its control and console connections."""
    kz.need_kvm()
    host = Host(t)
    c = host.connect()
    c.boot(**how)
    client = Client(host)
    client.read_until(GREETING)
    client.read_until(PROMPT)
    return host, c, client


@kz.test
def boots_talks_and_shuts_down(t):
    host, c, client = booted(t)
    kz.eq(c.status()["state"], "running")
    client.send("echo one two\r")
    client.read_until("one two")
    client.read_until("\none two")
    status = c.status()
    kz.eq(status["ram_bytes"], RAM)
    kz.eq(status["n_vcpus"], 1)
    kz.eq(status["console_lost"], 0)
    kz.eq(status["exits"] > 0 and status["resident_bytes"] > 0, True, str(status))
    c.good("shutdown")
    kz.eq(c.event()[0], "poweroff")
    kz.eq(host.wait(), exit_status("poweroff"))
    kz.has(client.read_all(), "\r\n[NOTICE: Zone halted]\r\n")
    log = host.console_text()
    kz.eq(log.startswith("\r\n[NOTICE: Zone booting up]\r\n"), True, log[:80])
    kz.has(log, GREETING)
    kz.eq("runtime error" in host.output(), False, host.output())
    kz.eq(log.endswith("\r\n[NOTICE: Zone halted]\r\n"), True, log[-80:])


@kz.test
def goals_on_the_console_are_told_once_and_to_who_asks_later(t):
    host, c, client = booted(t, goals="reached the goals")
    kz.eq(c.hello()["flags"], 0)
    client.send("echo reached the go")
    client.read_until("the go")
    client.send("als\r")
    kz.eq(c.event(), "goals")
    client.read_until("\nreached the goals")
    kz.eq(c.hello()["flags"], 1)
    kz.eq(c.events, [])
    c.close()
    kz.eq(host.connect().hello_reply["flags"], 1)


@kz.test
def goals_are_not_pieced_together_from_two_devices(t):
    _, c, client = booted(t, goals="one.con write")
    for _ in range(5):  # most often, what the serial port says comes right behind
        client.send("con write 0 one.\r")
        client.read_until("con write: 4 bytes")
        client.read_until(PROMPT)
    kz.eq(c.hello()["flags"], 0)
    client.send("con write 0 one.con write\r")
    kz.eq(c.event(), "goals")


@kz.test
def goals_are_a_byte_on_their_port(t):
    host, c, client = booted(t, goals_kind="port")
    client.send("con write org.qemu.guest_agent.0 x\r")  # not this port
    client.read_until("con write: 1 bytes")
    kz.eq(c.hello()["flags"], 0)
    client.send("con write org.kzones.goals x\r")
    kz.eq(c.event(), "goals")
    kz.eq(c.hello()["flags"], 1)
    for _ in range(20):
        client.send("con write org.kzones.goals x\r")
        client.read_until("con write: 1 bytes")
    kz.eq(c.status()["state"], "running")
    kz.eq(c.events, [])
    kz.has(host.output(), "goals reached: a byte on the port org.kzones.goals")


@kz.test
def goals_are_an_answer_of_the_guest_agent(t):
    host, c, client = booted(t, goals_kind="agent")
    client.send("con write org.kzones.goals x\r")
    client.read_until("con write: 1 bytes")
    asked = set()
    for _ in range(2):  # when the port is opened, and a second later
        client.send("con read org.qemu.guest_agent.0 20000\r")
        client.read_until('bytes: .{"execute":"guest-sync-delimited","arguments":{"id":')
        asked.add(int(client.read_until("}}.")[:-3]))
        client.read_until(PROMPT)
    kz.eq(len(asked), 1, asked)
    ident = asked.pop()
    for answer in ('{"return": %d}' % ident, r'\377{"return": %d}' % (ident + 1),
                   r'\377{"error": {"class": "CommandNotFound"}}', r"\377" * 40):
        client.send("con write org.qemu.guest_agent.0 %s\r" % answer)
        client.read_until("con write: %d bytes" % len(answer.replace(r"\377", "x")))
    kz.eq(c.hello()["flags"], 0)
    client.send('con write org.qemu.guest_agent.0 \\377{"return": %d}\r' % ident)
    kz.eq(c.event(), "goals")
    kz.eq(c.hello()["flags"], 1)
    kz.has(host.output(), "goals reached: the guest agent answers")
    c.good("halt")
    kz.eq(host.wait(), exit_status("halted"))
    kz.eq("not allowed" in host.output(), False, host.output())


@kz.test
def the_guest_can_read_its_clock(t):
    host, c, client = booted(t)
    client.send("time\r")
    client.read_until("time\r")
    client.read_until(time.strftime("%Y-", time.gmtime()))
    client.read_until(PROMPT)
    kz.eq(c.status()["state"], "running")


@kz.test
def the_sandbox_lets_devices_work(t):
    """What vCPU threads and the thread of slow devices ask of the kernel for a driver."""
    host, c, client = booted(t)
    client.send("pci\r")
    client.read_until("8086:1237")
    client.read_until("1af4:1044")
    client.read_until(PROMPT)
    for _ in range(3):
        client.send("rng 70000\r")
        client.read_until("rng: 70000 bytes")
        client.read_until(PROMPT)
    c.good("halt")
    kz.eq(host.wait(), exit_status("halted"))
    kz.eq("not allowed" in host.output(), False, host.output())


@kz.test
def the_console_device_has_its_ports_and_writes_to_the_console(t):
    host, c, client = booted(t)
    client.send("con list\r")
    client.read_until("con port 0: console, name '', host open\r\n")
    client.read_until("con port 1: port, name 'org.qemu.guest_agent.0', host open\r\n")
    client.read_until("con port 2: port, name 'org.kzones.goals', host open\r\n")
    client.read_until("con list: 3 ports of 3")
    client.read_until(PROMPT)
    client.send("con write 0 by hvc0.\r")
    out = client.read_until("con write: 8 bytes")
    out += client.read_until(PROMPT)
    while out.count("by hvc0.") < 2:  # the echo of the command, and its effect
        out += client.read_until("by hvc0.")
    # The guest listens on its serial port: what is typed goes there, and only there.
    client.send("con read 0 1\r")
    client.read_until("con read: nothing")
    # A port that nobody reads takes all the same.
    client.send("con write org.qemu.guest_agent.0 x\r")
    client.read_until("con write: 1 bytes")
    client.read_until(PROMPT)
    kz.eq(c.status()["console_lost"], 0)
    kz.has(host.console_text(), "by hvc0.")
    c.good("halt")
    kz.eq(host.wait(), exit_status("halted"))
    kz.eq("not allowed" in host.output(), False, host.output())


@kz.test
def poweroff_reboot_and_panic_are_told(t):
    for command, cause in (("poweroff", "poweroff"), ("reboot", "reset")):
        host, c, client = booted(t)
        client.send(command + "\r")
        kz.eq(c.event()[0], cause)
        kz.eq(host.wait(), exit_status(cause))
        text = client.read_all()
        kz.has(text, "[NOTICE: Zone %s]" % ("halted" if cause == "poweroff" else "rebooting"))
    host, c, client = booted(t)
    client.send("panic\r")
    kz.eq(c.event(), "panic")
    kz.eq(c.status()["state"], "panicked")
    kz.eq(c.ask("shutdown"), (errno.EBUSY, "shutdown: not now, the zone is panicked"))
    client.read_until("[NOTICE: Zone panicked]")
    c.good("halt")
    kz.eq(c.event()[0], "panic")
    kz.eq(host.wait(), exit_status("panic"))


@kz.test
def why_it_ended_is_kept_until_somebody_has_said_that_he_heard_it(t):
    """A restarter may die with it unread: the next one must not take it for a crash."""
    host, c, client = booted(t)
    c.close()
    c = host.connect(confirms=False)
    client.send("reboot\r")
    kz.eq(c.event()[0], "reset")
    for _ in range(2):
        c.close()
        c = host.connect(confirms=False)
        kz.eq(c.hello_reply["state"], "ended")
        kz.eq(c.event()[0], "reset")
    c.good("halt")
    kz.eq(host.wait(), exit_status("reset"))


@kz.test
def the_power_button_is_pressed_again_until_the_guest_ends(t):
    host, c, client = booted(t, cmdline="deaf")
    c.good("shutdown")
    for _ in range(2):
        client.read_until("power button, ignored")
    client.send("poweroff\r")
    kz.eq(c.event()[0], "poweroff")
    kz.eq(host.wait(), exit_status("poweroff"))


@kz.test
def halt_never_waits_for_the_guest(t):
    host, c, client = booted(t, vcpus=2)
    client.send("spin 3600000\r")  # longer than the test waits for anything
    client.read_until("spin 3600000")
    c.good("halt")
    kz.eq(c.event(), ("halted", ""))
    kz.eq(host.wait(), exit_status("halted"))


@kz.test
def requests_that_make_no_sense_now(t):
    host, c, client = booted(t)
    kz.eq(c.create(), (errno.EBUSY, "create: not now, the zone is running"))
    kz.eq(c.ask("start"), (errno.EBUSY, "start: not now, the zone is running"))
    client.send("echo still\r")
    client.read_until("\nstill")


@kz.test
def a_restarter_that_dies_is_replaced_at_every_step(t):
    kz.need_kvm()
    host = Host(t)
    c = host.connect(hello=False)
    c.close()
    c = host.connect()
    c.close()
    c = host.connect()
    kz.eq(c.create(uuid=b"0123456789abcdef"), (0, ""))
    c.close()
    c = host.connect()
    kz.eq(c.hello_reply["state"], "created")
    kz.eq(c.hello_reply["uuid"], b"0123456789abcdef")
    c.send(c.header("start"))  # and it dies before the answer
    c.close()
    client = Client(host)
    client.read_until(PROMPT)
    c = host.connect()
    running = c.hello_reply
    kz.eq(running["state"], "running")
    kz.eq(running["pid"], host.pid)
    client.send("echo before\r")
    client.read_until("\nbefore")
    c.send(b"garbage")
    kz.eq(c.ended(), True)
    client.send("echo after\r")
    client.read_until("\nafter")
    c = host.connect()
    kz.eq(c.hello_reply, running, "same process, zone, state and time")
    c.send(c.header("shutdown"))
    c.close()
    client.read_all()
    c = host.connect()  # it waits for somebody to tell
    kz.eq(c.hello_reply["state"], "ended")
    kz.eq(c.event()[0], "poweroff")
    kz.eq(host.wait(), exit_status("poweroff"))


@kz.test
def second_console_client_is_refused(t):
    host, c, client = booted(t)
    second = Client(host)
    kz.eq(second.read_all(), "Console already in use by process ID %d.\r\n" % os.getpid())
    client.send("echo mine\r")
    client.read_until("\nmine")
    client.close()
    third = Client(host)
    kz.has(third.read_until("\nmine"), GREETING, "replay")
    third.send("echo again\r")
    third.read_until("\nagain")


@kz.test
def a_client_that_neither_reads_nor_stops_typing(t):
    host, c, client = booted(t)
    client.send("spin\r")
    client.sock.setblocking(False)
    try:
        for _ in range(10000):
            client.sock.send(b"x" * 1000)
    except BlockingIOError:
        pass
    kz.eq(c.status()["state"], "running")
    c.good("halt")
    kz.eq(c.event(), ("halted", ""))


@kz.test
def a_full_console_log_does_not_stop_the_zone(t):
    full = os.open("/dev/full", os.O_WRONLY)
    host, c, client = booted(t, log=full)
    client.send("echo fine\r")
    client.read_until("\nfine")
    kz.has(host.output(), "console log: No space left on device")
    os.close(full)


@kz.test
def every_command_inside_the_filters(t):
    host, c, client = booted(t, vcpus=2)
    for command in ("help", "time", "mem fill 7", "mem check 7", "echo x", "nonsense"):
        client.send(command + "\r")
        client.read_until(command)
        client.read_until("\n")
        client.read_until(PROMPT)
    kz.eq(c.status()["state"], "running")


@kz.test
def every_thread_is_confined(t):
    kz.need_root()  # to look
    host, c, client = booted(t, vcpus=2)
    threads = kz.of_threads(host.pid, "status")
    kz.eq(len(threads) >= 3, True, "threads: %s" % list(threads))
    for status in threads.values():
        kz.has(status, "NoNewPrivs:\t1")
        kz.has(status, "Seccomp:\t2")
        kz.eq(capabilities(status) & ~kz.CAP_IPC_LOCK, 0)


@kz.test
def the_filler_fills_memory_inside_its_filter(t):
    host, c, client = booted(t)
    kz.wait_for(lambda: c.status()["resident_bytes"] == RAM, "all memory is there")
    client.send("echo fine\r")
    client.read_until("\nfine")


def failed_create(t, text, **how):
    """CREATE fails with this text, the host says so once more and ends."""
    kz.need_kvm()
    host = Host(t)
    c = host.connect()
    err, said = c.create(**how)
    kz.eq(err != 0, True, "an error")
    kz.has(said, text)
    kz.eq(c.event(), ("failed", said))
    kz.eq(host.wait(), exit_status("failed"))
    return err, said


@kz.test
def more_memory_than_the_host_has(t):
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    ram = (total + (64 << 30)) & ~((2 << 20) - 1)
    err, said = failed_create(t, "asked for %d MiB" % (ram >> 20), ram=ram)
    kz.eq(err, errno.ENOMEM)
    kz.has(said, "the host has %d MiB" % (total >> 20))


@kz.test
def kernels_that_are_none(t):
    with open(kz.find_program("guest.elf"), "rb") as f:
        elf = f.read()
    for name, content, text in (("empty", b"", "kernel"),
                                ("text", b"hello world\n" * 1000, "neither"),
                                ("truncated", elf[:5000], "truncated"),
                                ("headers-only", elf[:100], "truncated")):
        path = t.path(name)
        with open(path, "wb") as f:
            f.write(content)
        fd = os.open(path, os.O_RDONLY)
        err, said = failed_create(t, text, kernel=fd)
        kz.eq(err, errno.ENOEXEC, name)
        os.close(fd)


@kz.test
def a_kernel_that_cannot_be_read(t):
    fd = os.open(kz.find_program("guest.elf"), os.O_PATH)
    kz.need_kvm()
    host = Host(t)
    c = host.connect()
    err, said = c.create(kernel=fd)
    kz.eq(err != 0 and said != "", True, "an error with a text: %r" % said)
    os.close(fd)


@kz.test
def killed_while_booting(t):
    kz.need_kvm()
    host = Host(t)
    c = host.connect()
    c.boot()
    host.kill()
    kz.eq(c.ended(), True)
    kz.eq(host.wait(), -9)


kz.main()
