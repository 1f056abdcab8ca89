# SPDX-License-Identifier: BSD-2-Clause
"""Boots the built-in guest in QEMU and runs every command over its serial line.

The first argument is QEMU's accelerator, tcg or kvm. QEMU is the reference machine here:
what fails in it is the guest's fault, not kzhost's.
"""

import datetime
import functools
import re
import sys
import time

import kz
import qemu
from qemu import PROMPT, check, match

Guest = functools.partial(qemu.Guest, sys.argv.pop(1))


def booted():
    g = Guest()
    try:
        return g.wait_prompt()
    except BaseException:
        g.__exit__()
        raise


@kz.test
def greeting_names_zone_memory_and_processors(_):
    with Guest("kzones.zone=not-this-one console=x kzones.zone=t1", args=["-smp", "2"]) as g:
        seen = g.wait_for(r"(?m)^" + PROMPT)
        match("kzones guest: zone t1 ready, 64 MiB, 2 vCPUs\nt1> ", seen)


@kz.test
def zone_without_name(_):
    with Guest("poweroff") as g:
        match("kzones guest: zone unnamed ready, 64 MiB, 1 vCPU\n", g.ended())


@kz.test
def run_option_runs_commands_in_order(_):
    with Guest("run='echo a  b;nonsense; echo c;;poweroff' kzones.zone=t1") as g:
        match("kzones guest: .*\na  b\nno command 'nonsense', try help\nc\n", g.ended())


@kz.test
def help_lists_every_command(_):
    with booted() as g:
        names = re.findall(r"(?m)^(\w+)", g.command("help"))
        for name in ("help echo mem time spin sleep panic fault reboot poweroff".split()):
            check(name in names, f"{name} is not in help")


@kz.test
def line_editing(_):
    with booted() as g:
        g.send("junk\x15ecjo\x7f\x08ho one\n")
        g.wait_for(r"(?m)^one\n" + PROMPT)
        g.send("half a line\x03")
        g.wait_for(r"half a line\n" + PROMPT)
        check(g.command("echo " + "x" * 200) == "x" * 200 + "\n", "long line")


@kz.test
def type_ahead_is_kept(_):
    with booted() as g:
        g.send("spin 50\recho later\r")
        g.wait_for(r"spin: .*\nt1> echo later\nlater\n")


@kz.test
def time_is_the_host_s(_):
    with booted() as g:
        m = match(r"time: (.*) UTC, up (\d+)\.\d{6} s, TSC (\d+) kHz, x2?APIC timer\n",
                  g.command("time"))
        guest = datetime.datetime.strptime(m[1], "%Y-%m-%d %H:%M:%S")
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        check(abs((now - guest).total_seconds()) < kz.DEADLINE, f"{guest}, host {now}")
        check(100_000 < int(m[3]) < 10_000_000, f"TSC {m[3]} kHz")


@kz.test
def no_clock_is_said(_):
    with Guest("run=time;poweroff", machine="microvm,rtc=off") as g:
        match("kzones guest: .*\ntime: no clock, up .*\n", g.ended())


@kz.test
def spin_and_sleep_last_as_long_as_told(_):
    with booted() as g:
        start = time.monotonic()
        match(r"spin: \d+ turns in 300 ms\n", g.command("spin 300"))
        check(time.monotonic() - start > 0.27, "spin was too short")
        m = match(r"sleep: (\d+) us\n", g.command("sleep 300"))
        check(int(m[1]) > 290_000, f"slept {m[1]} us")
        check(time.monotonic() - start > 0.54, "sleep was too short")
        check(g.command("spin x") == "spin: 'x' is not a number of milliseconds\n", "spin x")


@kz.test
def interrupt_key_ends_spin_and_sleep(_):
    with booted() as g:
        for verb in ("spin", "sleep"):
            g.send(f"{verb} 3600000\r")
            g.wait_for(verb + " 3600000\n")
            g.send("\x03")
            g.wait_for(verb + r": .*\n" + PROMPT)


@kz.test
def mem_fill_is_found_by_check(_):
    with booted() as g:
        line = r"mem {}: (\d+) MiB, checksum ([0-9a-f]{{16}}), \d+ MiB/s{}\n"
        fill = match(line.format("fill", ""), g.command("mem fill 7"))
        same = match(line.format("check", ", ok"), g.command("mem check 7"))
        check(fill[2] == same[2] and 60 <= int(fill[1]) <= 63, f"{fill[0]} {same[0]}")
        other = match(line.format("check", r", BAD: (\d+) words, first at .*"),
                      g.command("mem check 0x8"))
        check(int(other[3]) > 0.99 * int(fill[1]) * 131072, other[0])
        check(g.command("mem fill") == "mem: SEED must be a number\n", "no seed")
        check(g.command("mem wipe 1") == "mem: fill or check, not 'wipe'\n", "wipe")
        check(g.command("echo alive") == "alive\n", "dead after mem")


@kz.test
def memory_above_4_gib_is_used(_):
    with Guest("run='mem fill 1;mem check 1;poweroff'", machine="pc,max-ram-below-4g=32M",
               args=["-smp", "3"]) as g:
        seen = g.ended()
        m = re.search(r"64 MiB, 3 vCPUs\nmem fill: (\d+) MiB.*\nmem check: .*, ok\n", seen)
        check(m and int(m[1]) >= 60, seen)


@kz.test
def panic_tells_the_host_and_halts(_):
    with Guest("kzones.zone=t1", args=["-device", "pvpanic", "-action", "panic=none"]) as g:
        g.wait_for(PROMPT)
        g.qmp_command("qmp_capabilities")
        g.send("panic no reason\r")
        g.wait_for("kzones guest: panic: no reason\n")
        g.event("GUEST_PANICKED")


@kz.test
def fault_prints_registers(_):
    with booted() as g:
        g.send("fault\r")
        seen = g.wait_for("kzones guest: panic: unexpected trap\n")
        check("kzones guest: trap 6 invalid opcode, error 0" in seen, seen)
        for reg in ("rax rbx rcx rdx rsi rdi rbp r8 r9 r10 r11 r12 r13 r14 r15".split()):
            check(re.search(rf"\b{reg} +[0-9a-f]{{16}}\b", seen), f"{reg} in {seen!r}")


@kz.test
def reboot_resets(_):
    with booted() as g:
        g.qmp_command("qmp_capabilities")
        g.send("reboot\r")
        check(g.event("SHUTDOWN").get("reason") == "guest-reset", "not a reset")
        g.ended()


@kz.test
def poweroff_is_a_soft_off(_):
    with booted() as g:
        g.qmp_command("qmp_capabilities")
        g.send("poweroff\r")
        check(g.event("SHUTDOWN").get("reason") == "guest-shutdown", "not a soft off")
        g.ended()


@kz.test
def power_button_powers_off(_):
    for busy in ("", "sleep 3600000\r", "spin 3600000\r"):
        with booted() as g:
            g.qmp_command("qmp_capabilities")
            g.send(busy)
            g.wait_for(busy.replace("\r", "\n"))
            g.qmp_command("system_powerdown")
            g.wait_for(r"\nkzones guest: power button, shutting down\n")
            check(g.event("SHUTDOWN").get("reason") == "guest-shutdown", "not a soft off")
            g.ended()


@kz.test
def a_deaf_guest_goes_on(_):
    with Guest("kzones.zone=t1 deaf") as g:
        g.wait_prompt()
        g.qmp_command("qmp_capabilities")
        g.qmp_command("system_powerdown")
        g.wait_for(r"\nkzones guest: power button, ignored\n")
        g.send("echo on it goes\r")
        g.wait_for("\non it goes\n")


@kz.test
def without_soft_off_poweroff_resets(_):
    with Guest("poweroff", machine="microvm,acpi=off") as g:
        match("kzones guest: zone unnamed ready, 64 MiB, 1 vCPU\n", g.ended())


kz.main()
