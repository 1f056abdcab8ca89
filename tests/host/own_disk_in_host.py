#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs in the rig's host (test_own_disk.py starts it and judges what it leaves).

Zone 'os' boots the Debian that is installed on its disk, by firmware and GRUB, until root is
logged in on its console; fio writes and verifies a file; the guest reboots, and is online once
its agent answers; the power button shuts it down. Then it boots again, with two processors and
into the menu's second entry, and panics. Zone 'blank' has a disk with nothing on it. What was
seen goes to /var/log/rig/facts.json.
"""

import json
import os
import socket
import subprocess
import sys
import time

DISK = '/var/lib/hostvm/disk.raw'
ZONE = ('create -b; set goals="console:%s"; set goals-timeout=800; '
        'add capped-memory; set physical=%s; end; add virtual-cpu; set ncpus=%d; end; '
        'add device; set storage=file://%s; set id=%d; set bootpri=0; end')
PROMPT = 'root@zone:~#'
FIO = ('fio --name=v --filename=/root/v --size=16M --rw=randrw --bs=16k --direct=1 '
       '--ioengine=libaio --iodepth=8 --verify=crc32c --verify_fatal=1 --end_fsync=1 '
       '--eta=never --output=/dev/null')
DRIVERS = ('cd /sys/bus/acpi/devices; for d in *; do '
           'p=$(readlink $d/driver || readlink $d/physical_node/driver); echo $d ${p##*/}; done')
DEADLINE = 400


def run(*args):
    """Run a command; print it, what it says, and how long it took; fail with it."""
    begin = time.monotonic()
    print('#', ' '.join(args), flush=True)
    subprocess.run(args, check=True)
    seconds = round(time.monotonic() - begin, 1)
    print('# %s s' % seconds, flush=True)
    return seconds


def tell_exits():
    """What KVM counts of the zones, over a second: whether they run, idle, or stand."""
    subprocess.run('mount -t debugfs debugfs /sys/kernel/debug; '
                   'cd /sys/kernel/debug/kvm && for i in 1 2; do '
                   'grep -H . */exits */halt_exits */io_exits */irq_injections; sleep 1; done',
                   shell=True, check=False)


def give_up(what):
    """Say what was waited for, and last what tells the most of why; end."""
    print('waited in vain:', what[:400], flush=True)
    subprocess.run(['svcs', '-x'], check=False)
    tell_exits()
    for args in (['tail', '-n', '8', '/var/log/zones/console.os'],
                 ['zoneadm', 'list', '-cv'],
                 ['tail', '-n', '8', '/var/log/zones/messages.os']):
        subprocess.run(args, check=False)
    sys.exit(1)


class Console:
    """A client of a zone's console."""

    def __init__(self, zone):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE)
        self.sock.connect('/run/zones/%s/console.sock' % zone)
        self.text = ''

    def until(self, part):
        """What came up to a text and with it; that is taken."""
        while part not in self.text:
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                data = None
            if not data:
                give_up('%r on the console, which %s: %r'
                        % (part, 'is silent' if data is None else 'ended', self.text[-300:]))
            self.text += data.decode(errors='replace')
        end = self.text.index(part) + len(part)
        taken, self.text = self.text[:end], self.text[end:]
        return taken

    def send(self, text):
        self.sock.sendall(text.encode())

    def quiet_shell(self):
        """A plain shell that neither prompts nor repeats what it is told."""
        self.send('exec sh\r')
        self.until('\n# ')
        self.send('PS1=; stty -echo; echo =quiet$((1))=\r')
        self.until('=quiet1=')

    def shell(self, command):
        """(exit status, output) of a command, in a quiet shell."""
        self.send('echo =begin=; (%s); echo "=end $?="\r' % command)
        self.until('=begin=')
        text = self.until('=end ')[:-len('=end ')].replace('\r', '').lstrip('\n')
        return int(self.until('=')[:-1]), text


def zone_of_status(name):
    try:
        with open('/run/zones/status.json', encoding='utf-8') as f:
            return next(zone for zone in json.load(f)['zones'] if zone['name'] == name)
    except (OSError, ValueError, StopIteration):
        return {}


def wait_for(what, function):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = function()
        if value:
            return value
        time.sleep(0.1)
    return give_up(what)


def console_log(zone):
    with open('/var/log/zones/console.' + zone, encoding='utf-8', errors='replace') as f:
        return f.read()


def configure():
    with open('/var/lib/hostvm/blank.raw', 'wb') as f:
        f.truncate(8 << 20)
    for zone, goals, memory, cpus, path, number in (
            ('os', 'root@zone', '384M', 1, DISK, 1),
            ('blank', 'No bootable device', '32M', 1, '/var/lib/hostvm/blank.raw', 0)):
        run('zonecfg', '-z', zone, ZONE % (goals, memory, cpus, path, number))
        run('zoneadm', '-z', zone, 'install')


def online():
    return (zone_of_status('os').get('instance') or {}).get('state') == 'online'


def first_boot(facts):
    """Firmware, GRUB, multi-user, fio; the console."""
    console = Console('os')
    begin = time.monotonic()
    run('zoneadm', '-z', 'blank', 'boot')
    run('zoneadm', '-z', 'os', 'boot')
    console.until(PROMPT)
    facts['seconds_to_prompt'] = round(time.monotonic() - begin, 1)
    wait_for('blank says that it has nothing',
             lambda: 'No bootable device' in console_log('blank'))
    facts['blank'] = zone_of_status('blank')
    run('zoneadm', '-z', 'blank', 'halt')
    console.quiet_shell()
    console.shell('dmesg -n 1')
    wait_for('os online', online)
    facts['online'] = zone_of_status('os')
    for name, command in (
            ('target', 'systemctl is-active multi-user.target'),
            ('disk', 'findmnt -no SOURCE /; cat /sys/block/vda/serial'),
            ('drivers', DRIVERS),
            ('generation', 'cat /sys/bus/acpi/devices/KZON0001:00/modalias'),
            ('interrupts', 'cat /proc/interrupts'),
            ('blame', 'systemd-analyze blame --no-pager | head -n 12'),
            ('errors', 'dmesg --level=emerg,alert,crit,err')):
        facts[name] = console.shell(command)
        print(name, *facts[name], flush=True)
    begin = time.monotonic()
    facts['fio'] = console.shell(FIO)
    facts['fio_seconds'] = round(time.monotonic() - begin, 1)
    return console


def reboot(facts, console):
    """The guest's own; it is online when its agent answers."""
    run('zonecfg', '-z', 'os', 'set goals=agent')
    begin = time.monotonic()
    console.send('systemctl reboot\r')
    console.until('[NOTICE: Zone rebooting]')
    wait_for('os to be another machine',
             lambda: zone_of_status('os').get('id', -1) > facts['online']['id'])
    wait_for('os online by its agent', online)
    facts['reboot_seconds'] = round(time.monotonic() - begin, 1)
    facts['rebooted'] = zone_of_status('os')
    Console('os').until(PROMPT)


def power_button(facts):
    facts['shutdown_seconds'] = run('zoneadm', '-z', 'os', 'shutdown')
    # The command is answered before the document is written, at most ten times a second.
    wait_for('the status of a zone that is down',
             lambda: zone_of_status('os').get('state') != 'shutting_down')
    facts['after_shutdown'] = zone_of_status('os')


def panic(facts):
    """Another boot with two processors; the menu takes a key; a shell that panics."""
    console = Console('os')
    run('zonecfg', '-z', 'os', 'select virtual-cpu; set ncpus=2; end; set goals=none')
    run('zoneadm', '-z', 'os', 'boot')
    console.until('GNU GRUB')
    console.send('\x0e')
    console.until('*Debian, only a shell')
    console.send('\r')
    console.until('# ')
    console.quiet_shell()
    facts['cpus'] = console.shell('nproc')
    console.send('modprobe pvpanic-mmio; echo c >/proc/sysrq-trigger\r')
    wait_for('auxiliary state panicked', lambda: zone_of_status('os').get('auxiliary'))
    facts['panicked'] = zone_of_status('os')
    run('zoneadm', 'list', '-cv')
    run('zoneadm', '-z', 'os', 'halt')


def main():
    facts = {}
    wait_for('svc.zones', lambda: os.path.exists('/run/zones/status.json'))
    os.makedirs('/var/log/rig', exist_ok=True)
    configure()
    try:
        console = first_boot(facts)
        reboot(facts, console)
        power_button(facts)
        panic(facts)
    finally:
        with open('/var/log/rig/facts.json', 'w', encoding='utf-8') as f:
            json.dump(facts, f, indent=1)
    return 0


if __name__ == '__main__':
    sys.exit(main())
