#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""testlog: sum up meson's testlog.json in one line.

Usage: testlog.py TESTLOG.json

Each case of a TAP program counts; any other program counts as one (exit 77: skipped). A TAP
program that ends badly without a failed case (a crash, a sanitizer's report, a wrong plan, a
timeout) counts one failure more. Prints the skipped by name, the notes ('# NOTE text') of all
programs, the failed with their output about the first failure and its end, and 'N passed, N
failed, N skipped'.
Exit 1 when anything failed or nothing ran.
"""

import json
import re
import sys

CAUSE_LINES, TAIL_LINES = 40, 50
CASE = re.compile(r'^(not )?ok\b\s*(\d*)\s*-?\s*(.*)$')
PLAN = re.compile(r'^1\.\.(\d+)\s*(?:#\s*(skip\w*)\s*(.*))?$', re.IGNORECASE)
NOTE = re.compile(r'^# NOTE (.*)$', re.MULTILINE)
DIRECTIVE = re.compile(r'(?<!\\)#\s*(skip|todo)\w*\b\s*(.*)$', re.IGNORECASE)


class Summary:
    """What has been counted so far."""

    def __init__(self):
        self.passed = 0
        self.skipped = []       # (name, reason)
        self.failed = []        # (program, [case name], output)
        self.notes = []         # (program, text)

    def add(self, test):
        """Count one program of the log."""
        name = test['name']
        output = (test.get('stdout') or '') + (test.get('stderr') or '')
        self.notes += [(name, text) for text in NOTE.findall(output)]
        cases, bad = tap_cases(test.get('stdout') or '')
        if cases is None:
            self.add_plain(name, test, output)
            return
        failed = [c for kind, c, _ in cases if kind == 'fail'] + bad
        # cmocka 1.1 reports a skipped case as 'not ok N # SKIP NAME', which meson calls FAIL.
        cmocka_skip = (test['result'] == 'FAIL' and test.get('returncode') == 0
                       and any(kind == 'skip' for kind, _, _ in cases))
        bad_end = test['result'] in ('FAIL', 'TIMEOUT', 'ERROR', 'INTERRUPT')
        if not failed and bad_end and not cmocka_skip:
            failed.append('ended with %s (exit status %s)'
                          % (test['result'], test.get('returncode')))
        self.passed += sum(1 for kind, _, _ in cases if kind == 'pass')
        self.skipped += [(name + ': ' + c, why) for kind, c, why in cases if kind == 'skip']
        if failed:
            self.failed.append((name, failed, output))

    def add_plain(self, name, test, output):
        """Count one program that does not speak TAP."""
        if test['result'] == 'SKIP':
            lines = [line for line in output.splitlines() if line.strip()]
            self.skipped.append((name, lines[-1].strip() if lines else ''))
        elif test['result'] in ('OK', 'EXPECTEDFAIL'):
            self.passed += 1
        else:
            why = 'ended with %s (exit status %s)' % (test['result'], test.get('returncode'))
            self.failed.append((name, [why], output))

    def n_failed(self):
        return sum(len(cases) for _, cases, _ in self.failed)


def tap_cases(text):
    """The cases [(pass|fail|skip, name, reason)] of TAP text and [what is wrong with it].

    (None, []) when it is no TAP.
    """
    cases, wrong, plan, said = [], [], None, ''
    for line in text.splitlines():
        if line.startswith('# skip: '):
            said = line[len('# skip: '):]
            continue
        m = PLAN.match(line)
        if m:
            plan = int(m.group(1))
            if m.group(2) and plan == 0:
                cases.append(('skip', 'all', m.group(3) or ''))
                plan = 1
            continue
        if line.startswith('Bail out!'):
            wrong.append(line)
            continue
        m = CASE.match(line)
        if not m:
            continue
        d = DIRECTIVE.search(m.group(3))
        name = m.group(3)[:d.start()].strip() if d else m.group(3).strip()
        name = name or 'case ' + (m.group(2) or str(len(cases) + 1))
        if d and d.group(1).lower() == 'skip' and m.group(1):
            cases.append(('skip', d.group(2).strip(), said))
        elif d and d.group(1).lower() == 'skip':
            cases.append(('skip', name, d.group(2).strip()))
        elif m.group(1) and not d:
            cases.append(('fail', name, ''))
        else:
            cases.append(('pass', name, ''))
    if plan is None and not cases and not wrong:
        return None, []
    if wrong:
        return cases, wrong
    if plan is None:
        wrong.append('printed no plan')
    elif plan != len(cases):
        wrong.append('planned %d cases, ran %d' % (plan, len(cases)))
    return cases, wrong


def excerpt(output):
    """The lines that lead to the first failed case, the other failed cases, and the end."""
    lines = output.splitlines()
    failed = [n for n, line in enumerate(lines)
              if line.startswith('not ok') and not DIRECTIVE.search(line)]
    end = max(len(lines) - TAIL_LINES, 0)
    first = failed[0] if failed else end
    shown = sorted({*range(max(first - CAUSE_LINES, 0), first), *failed,
                    *range(end, len(lines))})
    text, last = [], -1
    for n in shown:
        if n > last + 1:
            text.append('...')
        text.append(lines[n])
        last = n
    return '\n'.join(text)


def main(argv):
    if len(argv) != 2 or argv[1] in ('-h', '--help'):
        print(__doc__)
        return 0 if len(argv) == 2 else 2
    total = Summary()
    try:
        with open(argv[1], encoding='utf-8', errors='replace') as log:
            for line in log:
                total.add(json.loads(line))
    except OSError as e:
        print('testlog: %s: %s' % (argv[1], e.strerror), file=sys.stderr)
    for name, why in total.skipped:
        print('SKIP %s%s' % (name, ' (' + why + ')' if why else ''))
    for note in total.notes:
        print('NOTE %s: %s' % note)
    for name, cases, output in total.failed:
        print('---- %s' % name)
        print(excerpt(output))
        for case in cases:
            print('FAIL %s: %s' % (name, case))
    print('%d passed, %d failed, %d skipped'
          % (total.passed, total.n_failed(), len(total.skipped)))
    ran = total.passed + total.n_failed() + len(total.skipped)
    return 1 if total.n_failed() or not ran else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
