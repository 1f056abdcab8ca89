#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A distribution's kernel and its own drivers on the zone's PCI bus

Boots the host rig with devices_in_host.sh inside, once, and judges the console of its zone.
"""

import os
import re

import kz
from rig import Run

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, 'devices_in_host.sh')
INIT = os.path.join(HERE, 'devices_init.sh')
SECONDS = 400

_consoles = []
_states = []


def console():
    """What the zone's kernel and init said; the first test that asks makes the run."""
    if not _consoles:
        run = Run(SCRIPT, SECONDS, '-f', INIT + '=/usr/lib/devices_init')
        kz.eq(run.status, 0, run.output)
        _states.append(run.read('log', 'rig', 'state.lx').strip())
        _consoles.append(run.read('log', 'rig', 'console.lx').replace('\r', ''))
    return _consoles[0]


def said(what):
    """What init said about one of its steps."""
    found = re.search('^init: %s (.*)$' % re.escape(what), console(), re.MULTILINE)
    kz.eq(bool(found), True, 'init said nothing about "%s":\n%s' % (what, console()[-3000:]))
    return found.group(1)


@kz.test
def the_kernel_finds_the_bus_by_its_tables(t):
    for text in ('PCI: MMCONFIG for domain 0000 [bus 00-00] at [mem 0xc0000000-0xc00fffff]',
                 'PCI: MMCONFIG at [mem 0xc0000000-0xc00fffff] reserved',
                 'root bus resource [mem 0xd0000000-0xfebfffff window]',
                 'root bus resource [mem 0x400000000-0x7ffffffff window]',
                 'pci 0000:00:00.0: [8086:1237]', 'pci 0000:00:01.0: [1af4:1043]',
                 'pci 0000:00:02.0: [1af4:1044]'):
        kz.has(console(), text)
    for bad in ('ACPI Error', 'ACPI BIOS Error', "can't claim", 'no compatible bridge window'):
        kz.eq(bad in console(), False, console())


@kz.test
def its_driver_reads_entropy(t):
    kz.eq('init: failed' in console(), False, console()[-3000:])
    kz.eq(int(said('status'), 16), 0xf)
    kz.eq(said('read'), '131072')


@kz.test
def the_driver_can_be_bound_again_and_again(t):
    kz.eq(said('rebound'), '32768')


@kz.test
def interrupts_follow_their_processor(t):
    kz.eq(said('moved1'), '32768')
    kz.eq(said('moved2'), '32768')
    counts = re.findall(r'\b\d+\b', said('interrupts'))[1:3]
    kz.eq(all(int(count) > 0 for count in counts), True, said('interrupts'))


@kz.test
def a_device_is_found_again_at_another_address(t):
    kz.eq(0xd0000000 <= int(said('before').split()[0], 16) < 0xfec00000, True, said('before'))
    kz.eq(int(said('after').split()[0], 16) >= 1 << 32, True, said('after'))
    kz.eq(said('found'), '32768')


@kz.test
def its_console_driver_has_hvc0_and_ports_and_says_its_goals(t):
    kz.eq(said('ports'), 'org.qemu.guest_agent.0 org.kzones.goals ')
    kz.eq(said('hvc0'), 'by hvc0')
    kz.eq(_states, ['online'])


kz.main()
