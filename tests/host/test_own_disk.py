#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stock Debian on a zone's own disk: firmware, GRUB, systemd, fio, agent, reboot, panic

Boots the host rig with own_disk_in_host.py inside, once, and judges what it left.
"""

import os
import re

import kz
from rig import Run, disk

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'own_disk_in_host.py')
IN_HOST = '/var/lib/hostvm/disk.raw'
SECONDS = 1000
DRIVERS = {'ACPI0013:00': 'acpi-ged', 'PNP0C0C:00': 'button', 'PNP0C0E:00': 'button',
           'PNP0501:00': 'serial', 'PNP0B00:00': 'rtc_cmos', 'QEMU0001:00': 'pvpanic-mmio',
           'QEMU0002:00': 'fw_cfg'}

_runs = []


def the_run():
    """The run; made by the first test that asks."""
    if not _runs:
        _runs.append(Run(SCRIPT, SECONDS, '-f', '%s=%s' % (disk(), IN_HOST)))
    return _runs[0]


class Facts(dict):
    """What the run left; what it did not get to is said to be missing."""

    def __missing__(self, name):
        raise AssertionError('the run ended before it had %r' % name)


def facts():
    return Facts(the_run().json('log', 'rig', 'facts.json'))


def console(zone):
    return the_run().read('log', 'zones', 'console.' + zone)


@kz.test
def all_boots_go_through(_):
    kz.eq(the_run().status, 0, 'exit status of the run')


@kz.test
def firmware_and_the_menu_speak_on_the_console(_):
    text = console('os')
    for part in ('SeaBIOS (version', 'Booting from Hard Disk', 'GNU GRUB',
                 'Debian with Linux'):
        kz.has(text, part)


@kz.test
def the_guest_reaches_multi_user(_):
    f = facts()
    print('# root is logged in after %s s' % f['seconds_to_prompt'])
    kz.eq(f['target'], [0, 'active\n'])
    kz.eq(f['online']['instance']['state'], 'online')


@kz.test
def it_runs_from_the_zones_disk(_):
    status, text = facts()['disk']
    kz.eq(status, 0)
    kz.has(text, '/dev/vda1\n')
    assert re.search(r'^kz[0-9a-f]{12}-1$', text, re.M), text


@kz.test
def devices_of_the_platform_have_their_drivers(_):
    bound = dict(line.partition(' ')[::2] for line in facts()['drivers'][1].splitlines())
    kz.eq({device: bound.get(device) for device in DRIVERS}, DRIVERS)
    # Cloud kernels lack the driver, vmgenid; it binds to the second name.
    kz.eq(facts()['generation'], [0, 'acpi:KZON0001:VM_GEN_COUNTER:\n'])


@kz.test
def no_driver_complains_of_acpi_or_of_a_device(_):
    bad = [line for line in facts()['errors'][1].splitlines()
           if re.search(r'ACPI|virtio|pci|IO-?APIC|PIT|timer|rtc', line)]
    kz.eq(bad, [])


@kz.test
def fio_finds_what_it_wrote(_):
    print('# fio took %s s' % facts()['fio_seconds'])
    kz.eq(facts()['fio'][0], 0, facts()['fio'][1])


@kz.test
def the_guests_own_reboot_boots_from_the_disk_again(_):
    before, after = facts()['online'], facts()['rebooted']
    print('# online again after %s s' % facts()['reboot_seconds'])
    kz.eq((after['state'], after['auxiliary']), ('running', []))
    kz.eq(after['id'] > before['id'] and after['pid'] != before['pid'], True, str(after))
    marks = {'state': 'online', 'next_state': 'none', 'enabled': True, 'failures': 0,
             'attempts': 1, 'reason': '', 'auxiliary_state': 'none'}
    kz.eq({mark: after['instance'][mark] for mark in marks}, marks)
    kz.has(the_run().read('log', 'zones', 'messages.os'), 'ends: reset: the guest reset itself')
    boots = re.split(r'\[NOTICE: Zone booting up\]', console('os'))[1:]
    kz.eq(len(boots), 3)
    for boot in boots:
        for part in ('SeaBIOS (version', 'Booting from Hard Disk', 'GNU GRUB'):
            kz.has(boot, part)
    kz.has(boots[0], '[NOTICE: Zone rebooting]')


@kz.test
def the_stock_guest_agent_answers(_):
    kz.has(the_run().read('log', 'zones', 'messages.os'),
           'goals reached: the guest agent answers')


@kz.test
def the_power_button_shuts_it_down(_):
    f = facts()
    print('# shut down in %s s' % f['shutdown_seconds'])
    kz.eq(f['after_shutdown']['state'], 'installed')
    kz.has(console('os'), 'reboot: Power down')
    kz.has(the_run().read('log', 'zones', 'messages.os'), 'the guest powered itself off')


@kz.test
def firmware_starts_every_processor(_):
    status, text = facts()['cpus']
    kz.eq((status, text.split()), (0, ['2']))


@kz.test
def the_menu_takes_keys_and_a_panic_shows(_):
    kz.eq(facts()['panicked']['auxiliary'], ['panicked'])
    kz.has(console('os'), 'Kernel panic - not syncing: sysrq triggered crash')
    kz.has(console('os'), '[NOTICE: Zone panicked]')


@kz.test
def an_empty_disk_is_said_to_be_one(_):
    kz.has(console('blank'), 'No bootable device.')
    kz.eq(facts()['blank']['state'], 'running')


kz.main()
