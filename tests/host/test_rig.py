#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rig itself: a host boots, has KVM, and a script's output and status come back"""

import contextlib
import io

import kz
import rig
from rig import Run


@kz.test
def status_output_and_files_come_back(t):
    script = t.write('script', '#!/bin/sh\n'
                     'echo "from $(cat /etc/given)"; test -c /dev/kvm && echo kvm\n'
                     'systemctl list-units --failed --plain --no-legend\n'
                     'grep Cpus_allowed_list /proc/self/status\n'
                     'mkdir /var/log/rig; echo left >/var/log/rig/here\n'
                     'exit 7\n', 0o755)
    given = t.write('given', 'outside\n')
    run = Run(script, 300, '-f', given + '=/etc/given')
    kz.eq(run.status, 7)
    kz.eq(run.read('out.log'), 'from outside\nkvm\nCpus_allowed_list:\t1-2\n')
    kz.eq(run.read('log', 'rig', 'here'), 'left\n')
    kz.eq(run.journal()[-1][1], 'systemd', 'the host was powered off by its service manager')


@kz.test
def only_a_host_that_itself_died_runs_again(t):
    real = rig.HOSTVM
    for died_runs, then, runs, status in ((1, 0, 2, 0), (2, 1, 3, 1), (9, 0, 3, 123),
                                          (0, 1, 1, 1), (0, 124, 1, 124), (0, 125, 1, 125)):
        log = t.write('runs', '')
        rig.HOSTVM = t.write('hostvm', '#!/bin/sh\n[ "$1" = run ] || exit 0\necho >>%s\n'
                             '[ $(wc -l <%s) -gt %d ] || exit 123\nexit %d\n'
                             % (log, log, died_runs, then), 0o755)
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # its notes are no notes
                kz.eq(Run('fake', 5).status, status)
        finally:
            rig.HOSTVM = real
        kz.eq(len(t.read('runs').splitlines()), runs)


def died(t, script, how, *args):
    """What hostvm says of a run in which the host has to die, and dies in this way."""
    if rig.why_not():
        raise kz.Skip(rig.why_not())
    path = t.write('script', '#!/bin/sh\n' + script, 0o755)
    for _ in range(rig.RUNS):  # it may die before, as ever
        done = rig.hostvm('run', '-d', t.path('run'), '-t', '300', *args, path)
        kz.eq(done.returncode, rig.HOST_DIED, done.stdout)
        if how in done.stdout:
            return done.stdout
    raise AssertionError('%r is not in\n%s' % (how, done.stdout))


@kz.test
def a_host_whose_kernel_panics_has_died(t):
    died(t, 'echo c >/proc/sysrq-trigger\n', "the host's own kernel panicked")


@kz.test
def what_a_script_found_stands_though_the_host_dies_after_it(t):
    script = t.write('script', '#!/bin/sh\nstatus=/var/lib/hostvm/status\n'
                     'echo 9 >$status; sync $status; echo c >/proc/sysrq-trigger\n', 0o755)
    kz.eq(Run(script, 300).status, 9)


@kz.test
def a_host_that_says_nothing_has_died(t):
    output = died(t, 'for pid in /proc/[0-9]*; do\n'
                  'case $(readlink $pid/exe) in *busybox*) kill -STOP ${pid#/proc/};; esac\n'
                  'done; exec sleep 600\n', "nothing on the host's console for 20 s", '-s', '20')
    kz.has(output, 'RIP=')


kz.main()
