#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rig itself: a host boots, has KVM, and a script's output and status come back"""

import kz
import rig
from rig import Run


@kz.test
def status_output_and_files_come_back(t):
    script = t.write('script', '#!/bin/sh\n'
                     'echo "from $(cat /etc/given)"; test -c /dev/kvm && echo kvm\n'
                     'systemctl list-units --failed --plain --no-legend\n'
                     'mkdir /var/log/rig; echo left >/var/log/rig/here\n'
                     'exit 7\n', 0o755)
    given = t.write('given', 'outside\n')
    run = Run(script, 120, '-f', given + '=/etc/given')
    kz.eq(run.status, 7)
    kz.eq(run.read('out.log'), 'from outside\nkvm\n')
    kz.eq(run.read('log', 'rig', 'here'), 'left\n')
    kz.eq(run.journal()[-1][1], 'systemd', 'the host was powered off by its service manager')


@kz.test
def a_host_whose_own_kernel_panicked_runs_once_more(t):
    real = rig.HOSTVM
    for said, ends, runs, status in (('[1] Kernel panic - not syncing: x', 125, 2, 0),
                                     ('no power', 125, 1, 125),
                                     ('[1] Kernel panic - not syncing: x', 1, 1, 1)):
        log = t.write('runs', '')
        rig.HOSTVM = t.write('hostvm', '#!/bin/sh\n[ "$1" = run ] || exit 0\n'
                             'echo >>%s; [ $(wc -l <%s) -eq 1 ] || exit 0\n'
                             'mkdir -p "$3"; echo "%s" >"$3/console.log"; exit %d\n'
                             % (log, log, said, ends), 0o755)
        try:
            kz.eq(Run('fake', 5).status, status)
        finally:
            rig.HOSTVM = real
        kz.eq(len(t.read('runs').splitlines()), runs)


kz.main()
