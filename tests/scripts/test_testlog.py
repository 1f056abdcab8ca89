#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/testlog.py: every outcome of a test program is counted as what it is"""

import json
import os
import subprocess
import sys
import tempfile

import kz

TESTLOG = os.path.join(kz.SOURCE, 'scripts', 'testlog.py')


def testlog(*tests):
    """Sum up TESTS, (result, exit status, stdout) each; (status, output lines)."""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as log:
        for number, (result, status, stdout) in enumerate(tests):
            log.write(json.dumps({'name': 'prog%d' % number, 'result': result,
                                  'returncode': status, 'stdout': stdout}) + '\n')
        log.flush()
        done = subprocess.run([sys.executable, TESTLOG, log.name], stdout=subprocess.PIPE,
                              text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def last(*tests):
    """Exit status and last line for TESTS."""
    status, lines = testlog(*tests)
    return status, lines[-1]


@kz.test
def notes_are_told_and_fail_nothing(_):
    kz.eq(testlog(('OK', 0, '1..1\n# NOTE of mine\nok 1 - a\n')),
          (0, ['NOTE prog0: of mine', '1 passed, 0 failed, 0 skipped']))


@kz.test
def tap_cases_are_summed_over_programs(_):
    kz.eq(last(('OK', 0, '1..2\nok 1 - a\nok 2 - b\n'), ('OK', 0, 'ok 1 - c\n1..1\n')),
              (0, '3 passed, 0 failed, 0 skipped'))


@kz.test
def a_plain_program_counts_as_one(_):
    kz.eq(last(('OK', 0, 'hello\n'), ('FAIL', 1, 'bad\n'), ('SKIP', 77, 'no kvm\n')),
              (1, '1 passed, 1 failed, 1 skipped'))


@kz.test
def skipped_cases_are_named_with_the_reason(_):
    status, lines = testlog(('OK', 0, '1..2\nok 1 - a # SKIP no /dev/kvm\nok 2 - b\n'))
    kz.eq((status, lines), (0, ['SKIP prog0: a (no /dev/kvm)',
                                    '1 passed, 0 failed, 1 skipped']))


@kz.test
def what_cmocka_calls_a_skip_is_one(_):
    tap = '1..2\nok 1 - a\n# skip: no /dev/kvm\nnot ok 2 # SKIP b\n# ok - tests\n'
    kz.eq(testlog(('FAIL', 0, tap)),
          (0, ['SKIP prog0: b (no /dev/kvm)', '1 passed, 0 failed, 1 skipped']))
    kz.eq(last(('FAIL', 1, tap)), (1, '1 passed, 1 failed, 1 skipped'))


@kz.test
def a_skipped_program_counts_as_one_skip(_):
    kz.eq(last(('SKIP', 0, '1..0 # SKIP not root\n'), ('OK', 0, 'x')),
              (0, '1 passed, 0 failed, 1 skipped'))


@kz.test
def failed_cases_come_with_the_output(_):
    status, lines = testlog(('FAIL', 1, '1..2\nok 1 - a\n# 3 != 4\nnot ok 2 - b\n'))
    kz.eq(status, 1)
    assert '# 3 != 4' in lines and 'FAIL prog0: b' in lines, lines
    kz.eq(lines[-1], '1 passed, 1 failed, 0 skipped')


@kz.test
def what_led_to_the_first_failure_is_shown_however_much_follows(_):
    tap = ('not ok # SKIP s\n' + '# before\n' * 99 + '# the cause\nnot ok 1 - a\n'
           + '# more\n' * 200 + 'not ok 2 - b\n' + '# end\n' * 200 + '1..3\n')
    lines = testlog(('FAIL', 1, '# before\n' * 200 + tap))[1]
    lines = lines[lines.index('---- prog0'):]
    kz.eq(lines[40:46], ['# before', '# the cause', 'not ok 1 - a', '...', 'not ok 2 - b', '...'])
    kz.eq(lines[-5:-3], ['# end', '1..3'])
    assert len(lines) < 110, len(lines)


@kz.test
def a_crash_after_good_cases_is_a_failure(_):
    kz.eq(last(('ERROR', -6, '1..1\nok 1 - a\n')), (1, '1 passed, 1 failed, 0 skipped'))
    kz.eq(last(('OK', 0, '1..3\nok 1 - a\n')), (1, '1 passed, 1 failed, 0 skipped'))
    kz.eq(last(('TIMEOUT', -15, '')), (1, '0 passed, 1 failed, 0 skipped'))
    kz.eq(last(('ERROR', 1, 'Bail out! no\n')), (1, '0 passed, 1 failed, 0 skipped'))


@kz.test
def nothing_ran_is_a_failure(_):
    kz.eq(last(), (1, '0 passed, 0 failed, 0 skipped'))
    done = subprocess.run([sys.executable, TESTLOG, '/nonexistent/log'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    kz.eq((done.returncode, done.stdout), (1, '0 passed, 0 failed, 0 skipped\n'))


kz.main()
