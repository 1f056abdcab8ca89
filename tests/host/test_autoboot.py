#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The whole way on a Debian host: systemd, autoboot in order, stock kernels, host shutdown

Boots the host rig with autoboot_in_host.py inside, once, and judges what it left: facts.json,
the logs below /var/log/zones, and the journal of the host's last boot.
"""

import os
import re

import kz
from rig import Run

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'autoboot_in_host.py')
ORDER = ('db', 'web', 'app')    # each depends on the one before it
DIAMOND = (('a', 'b'), ('a', 'c'), ('b', 'd'), ('c', 'd'))
STOP_SECONDS = 40   # config/stop-timeout, as the script sets it
SECONDS = 780

_runs = []


def the_run():
    """The run; made by the first test that asks."""
    if not _runs:
        _runs.append(Run(SCRIPT, SECONDS))
    return _runs[0]


def good_run():
    run = the_run()
    if run.status != 0:
        raise kz.Skip('the run failed')
    return run


def times(status):
    """Zone -> its object in a status document."""
    return {zone['name']: zone for zone in status['zones']}


def last_change(run, zone):
    """(index, text) of the zone's last state change that the journal tells."""
    found = [(i, text) for i, (_, who, text) in enumerate(run.journal())
             if who.startswith('svc.zones') and re.search(r'zone=%s .* -> ' % zone, text)]
    assert found, 'no state change of %s in the journal' % zone
    return found[-1]


@kz.test
def the_host_boots_twice_and_all_zones_come_up(_):
    kz.eq(the_run().status, 0, 'exit status of the run')


@kz.test
def each_zone_starts_when_its_dependency_is_online(_):
    zones = times(good_run().json('log', 'rig', 'facts.json')['status'])
    for first, then in (*zip(ORDER, ORDER[1:]), *DIAMOND):
        online, started = zones[first]['boot']['online'], zones[then]['boot']['started']
        print('# %s online at %s, %s started at %s' % (first, online, then, started))
        assert online and started and online <= started, (first, then)


@kz.test
def stock_kernels_greet_on_their_consoles(_):
    run = good_run()
    kernel = run.json('log', 'rig', 'facts.json')['kernel']
    for zone in ('db', 'web'):
        kz.has(run.read('log', 'zones', 'console.' + zone),
               'zone %s: hello from Linux %s' % (zone, kernel))


@kz.test
def the_built_in_guest_greets(_):
    kz.has(good_run().read('log', 'zones', 'console.app'), 'kzones guest: zone app')


@kz.test
def a_crash_of_svc_zones_costs_no_zone(_):
    facts = good_run().json('log', 'rig', 'facts.json')
    kz.eq(facts['restarts'], '1')
    kz.eq(len(facts['kzhosts_before']), 9)
    kz.eq(facts['kzhosts_after'], facts['kzhosts_before'])


@kz.test
def the_broken_one_is_in_maintenance_and_says_why(_):
    run = good_run()
    facts = run.json('log', 'rig', 'facts.json')
    broken = times(facts['status'])['broken']['instance']
    kz.eq(broken['state'], 'maintenance')
    kz.has(broken['reason'], '/var/lib/broken/kernel: No such file or directory')
    kz.has(facts['svcs_x'], 'svc:/system/zones/zone:broken')
    kz.has(facts['svcs_x'], '/var/lib/broken/kernel: No such file or directory')
    kz.has(run.read('log', 'zones', 'messages.broken'), '-> maintenance')


@kz.test
def a_zone_waits_for_a_unit_of_the_host(_):
    facts = good_run().json('log', 'rig', 'facts.json')
    for reason in facts['e']:
        print('# ' + reason)
    unit = 'waiting for svc:/host/systemd/unit:late.service '
    kz.eq(facts['units_before'], 'inactive')
    kz.eq(facts['e'], [unit + '(disabled)', unit + '(offline)'])
    kz.eq(times(facts['status'])['e']['instance']['state'], 'online')


@kz.test
def a_zone_runs_in_a_control_group_with_its_limits(_):
    facts = good_run().json('log', 'rig', 'facts.json')
    booted = facts['group_booted']
    kz.eq((booted['cpu.max'], booted['cpu.weight']), ('200000 100000', '2000'))
    inside = booted['cgroup.procs'].split()  # there are KVM's own threads, too
    hosts = [args for pid, args in facts['kzhosts_before'].items() if pid in inside]
    kz.eq(len(hosts), 1, hosts)  # its uid is the next one that is free
    assert re.fullmatch(r'kzhost -z db -u 19000000\d\d -j 5', hosts[0]), hosts
    assert int(booted['cpu.stat'].split()[1]) > 0, booted


@kz.test
def a_live_change_is_the_kernels_and_outlives_svc_zones(_):
    facts = good_run().json('log', 'rig', 'facts.json')
    for when in ('group_changed', 'group_after'):
        kz.eq((facts[when]['cpu.max'], facts[when]['cpu.weight']),
              ('150000 100000', '3000'), when)
    kz.eq(facts['group_after']['cgroup.procs'], facts['group_booted']['cgroup.procs'])


@kz.test
def the_group_of_a_halted_zone_goes(_):
    left = good_run().json('log', 'rig', 'facts.json')['groups_left']
    assert {'zone-db', 'zone-web'} <= set(left) and 'zone-app' not in left, left


@kz.test
def poweroff_takes_the_zones_down_in_reverse_order(_):
    run = good_run()
    for first, then in (*zip(ORDER, ORDER[1:]), *DIAMOND):
        early, late = last_change(run, then), last_change(run, first)
        print('# %s, then %s' % (early[1], late[1]))
        assert early[0] < late[0], (early, late)
        for _, text in (early, late):
            assert 'online' not in text.split(' -> ')[1], text


@kz.test
def one_that_ignores_the_power_button_does_not_keep_the_host_up(_):
    run = good_run()
    kz.has(run.read('log', 'zones', 'console.deaf'), 'kzones guest: power button, ignored')
    lines = [(when, text) for when, who, text in run.journal() if who.startswith('svc.zones')]
    begin = [when for when, text in lines
             if 'stopping all zones, within %d s' % STOP_SECONDS in text]
    end = [when for when, text in lines if 'all zones are down' in text]
    kz.eq((len(begin), len(end)), (1, 1))
    print('# the stop took %.1f s of %d' % (end[0] - begin[0], STOP_SECONDS))
    assert STOP_SECONDS - 1 <= end[0] - begin[0] < STOP_SECONDS + 15, (begin, end)


@kz.test
def the_built_in_guest_was_asked_to_shut_down(_):
    kz.has(good_run().read('log', 'zones', 'console.app'),
           'kzones guest: power button, shutting down')


@kz.test
def zones_were_down_before_svc_zones_ended_by_itself(_):
    run = good_run()
    journal = run.journal()
    ends = [i for i, (_, who, text) in enumerate(journal)
            if who == 'systemd' and 'svc.zones.service: Deactivated successfully' in text]
    assert ends, 'svc.zones did not end well'
    assert last_change(run, 'db')[0] < ends[-1]
    bad = [text for _, who, text in journal if who == 'systemd' and 'svc.zones' in text
           and re.search(r'timed out|SIGKILL|Failed with', text)
           and 'signal' not in text]
    kz.eq(bad, [])


kz.main()
