#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs in the rig's host (test_autoboot.py starts it and judges what it leaves).

First boot: zones are configured and installed. db and web boot the distribution's kernel, app and
all others the built-in guest; web depends on db, app on web. b and c depend on a, d on b and c: a
diamond. e depends on late.service, a unit that nobody starts; broken's kernel is deleted; deaf
ignores the power button, and has more time for it than the host's stop. Second boot: waits until
the service manager, svc.zones and autoboot have brought up what can come up, then starts
late.service, lets it become active, and sees e come, too; ends svc.zones as a crash would, and
waits for its successor to adopt all of them. What was seen goes to /var/log/rig/facts.json; then
the rig powers the host off.
"""

import json
import os
import subprocess
import sys
import time

ZONES = ('db', 'web', 'app', 'a', 'b', 'c', 'd', 'deaf')
STOCK = ('add direct-boot; set kernel=/usr/lib/hostvm/vmlinuz; '
         'set initrd=/usr/lib/hostvm/guest.cpio; end; '
         'set bootargs="console=ttyS0 quiet"; set autoshutdown=halt')
BUILT_IN = 'add direct-boot; set kernel=/usr/lib/kzones/guest.elf; end'
BROKEN = 'add direct-boot; set kernel=/var/lib/broken/kernel; end'
DEAF = BUILT_IN + '; set bootargs=deaf; set shutdown-timeout=900'
LATE = 'svc:/host/systemd/unit:late.service'
LATE_UNIT = """[Unit]
Description=Active as soon as /run/late is there
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'until [ -e /run/late ]; do sleep 0.1; done'
"""
STOP_SECONDS = 40
COMMON = ('create -b; add capped-memory; set physical=%s; end; add virtual-cpu; set ncpus=1; '
          'end; set autoboot=true; %s')
DEPENDS = '; add smf-dependency; set fmri=%s; end'
DEADLINE = 240
STATUS = '/run/zones/status.json'


def run(*args):
    """Run a command; print it and what it says; fail with it."""
    print('#', ' '.join(args), flush=True)
    subprocess.run(args, check=True)


def output(*args):
    """What a command prints, stripped; an empty text when it fails."""
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False)
    return done.stdout.strip()


def wait_for(what, function):
    """Call FUNCTION until it gives something true; end the script when it never does."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            value = function()
        except (OSError, ValueError, KeyError):
            value = None
        if value:
            return value
        time.sleep(0.1)
    print('waited in vain:', what, flush=True)
    for args in (['zoneadm', 'list', '-cv'], ['svcs'], ['cat', STATUS]):
        subprocess.run(args, check=False)
    sys.exit(1)


def configure():
    """First boot: make the zones."""
    os.makedirs('/var/lib/broken')
    for path, text in (('/var/lib/broken/kernel', ''),
                       ('/etc/systemd/system/late.service', LATE_UNIT)):
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
    for name, memory, boot, needs in (
            ('db', '160M', STOCK, ()), ('web', '160M', STOCK, ('db',)),
            ('app', '32M', BUILT_IN, ('web',)), ('a', '32M', BUILT_IN, ()),
            ('b', '32M', BUILT_IN, ('a',)), ('c', '32M', BUILT_IN, ('a',)),
            ('d', '32M', BUILT_IN, ('b', 'c')), ('e', '32M', BUILT_IN, (LATE,)),
            ('broken', '32M', BROKEN, ()), ('deaf', '32M', DEAF, ())):
        text = COMMON % (memory, boot)
        if name == 'db':
            text += '; set cpu-shares=20; add capped-cpu; set ncpus=2; end'
        for other in needs:
            text += DEPENDS % (other if ':' in other else 'svc:/system/zones/zone:' + other)
        run('zonecfg', '-z', name, text)
        run('zoneadm', '-z', name, 'install')
    os.unlink('/var/lib/broken/kernel')
    run('svccfg', '-s', 'svc:/system/zones:default', 'setprop',
        'config/stop-timeout=%d' % STOP_SECONDS)
    run('zoneadm', 'list', '-cv')


def status():
    with open(STATUS, encoding='utf-8') as f:
        return json.load(f)


def instances():
    return {zone['name']: zone['instance'] or {} for zone in status()['zones']}


def all_online(*others):
    """The status document once every zone's instance is online, and OTHERS, else None."""
    document = status()
    states = {zone['name']: (zone['instance'] or {}).get('state') for zone in document['zones']}
    return document if all(states.get(z) == 'online' for z in ZONES + others) else None


def watch_late(facts):
    """See e wait for late.service: off, on its way, active."""
    facts['e'] = [instances()['e']['reason']]
    run('systemctl', 'daemon-reload')
    run('systemctl', 'start', '--no-block', 'late.service')
    facts['e'].append(wait_for('e waits for what is being started', lambda: '(offline)' in
                               instances()['e']['reason'] and instances()['e']['reason']))
    with open('/run/late', 'w', encoding='utf-8'):
        pass
    wait_for('e online', lambda: instances()['e']['state'] == 'online')


def console(zone):
    with open('/var/log/zones/console.' + zone, encoding='utf-8', errors='replace') as f:
        return f.read()


def greeted(zone):
    text = console(zone)
    return 'zone %s: hello from Linux' % zone in text or 'guest: zone %s ' % zone in text


def kzhosts():
    """Pid of each kzhost -> its arguments."""
    found = {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            if os.path.basename(os.readlink('/proc/%s/exe' % pid)) == 'kzhost':
                with open('/proc/%s/cmdline' % pid, encoding='utf-8') as f:
                    found[pid] = f.read().replace('\0', ' ').strip()
        except OSError:
            continue
    return found


def unit(prop):
    return output('systemctl', 'show', '--value', '-p', prop, 'svc.zones')


def group(zone):
    """What the kernel says of the zone's control group."""
    top = '/sys/fs/cgroup' + unit('ControlGroup')
    found = {}
    for name in ('cpu.max', 'cpu.weight', 'cgroup.procs', 'cpu.stat'):
        with open('%s/zone-%s/%s' % (top, zone, name), encoding='utf-8') as f:
            found[name] = f.read().strip()
    return found


def watch():
    """Second boot: see the zones come up, survive a crash of svc.zones; write the facts."""
    facts = {'kernel': os.uname().release, 'unit_before': unit('ActiveState')}
    wait_for('all instances online', all_online)
    wait_for('broken in maintenance', lambda: instances()['broken']['state'] == 'maintenance')
    facts['units_before'] = output('systemctl', 'is-active', 'late.service')
    watch_late(facts)
    facts['status'] = wait_for('all instances online', lambda: all_online('e'))
    facts['svcs_x'] = output('svcs', '-x')
    for zone in ZONES + ('e',):
        wait_for('greeting of ' + zone, lambda z=zone: greeted(z))
    run('zoneadm', 'list', '-cv')
    run('svcs')
    facts['kzhosts_before'] = kzhosts()
    facts['group_booted'] = group('db')
    run('zonecfg', '-z', 'db', '-r',
        'set cpu-shares=30; select capped-cpu; set ncpus=1.5; end')
    facts['group_changed'] = group('db')
    pid = unit('MainPID')
    run('kill', '-KILL', pid)
    wait_for('a new svc.zones', lambda: unit('MainPID') not in ('0', pid)
             and unit('ActiveState') == 'active')
    facts['status_after'] = wait_for('all instances online again', lambda: all_online('e'))
    facts['kzhosts_after'] = kzhosts()
    facts['group_after'] = group('db')
    run('zoneadm', '-z', 'app', 'halt')
    top = '/sys/fs/cgroup' + unit('ControlGroup')
    facts['groups_left'] = wait_for('the group of app is gone', lambda: sorted(
        name for name in os.listdir(top) if name.startswith('zone-')
        and 'zone-app' not in os.listdir(top)))
    run('zoneadm', '-z', 'app', 'boot')
    wait_for('app online again', lambda: all_online('e'))
    facts['restarts'] = unit('NRestarts')
    os.makedirs('/var/log/rig', exist_ok=True)
    with open('/var/log/rig/facts.json', 'w', encoding='utf-8') as f:
        json.dump(facts, f, indent=1)


def main():
    wait_for('svc.zones active', lambda: unit('ActiveState') == 'active')
    if os.environ['HOSTVM_BOOT'] == '1':
        configure()
        return 75
    watch()
    return 0


if __name__ == '__main__':
    sys.exit(main())
