# SPDX-License-Identifier: BSD-2-Clause
"""tap: run a module's test functions and print TAP"""

import sys
import traceback


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def run(module):
    """Run every function test_* of MODULE, in order; end the program with the result."""
    tests = [(n, f) for n, f in vars(module).items() if n.startswith('test_')]
    print('1..%d' % len(tests))
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print('ok %d - %s' % (number, name), flush=True)
        except Skip as why:
            print('ok %d - %s # SKIP %s' % (number, name, why), flush=True)
        except Exception:
            failed += 1
            for line in traceback.format_exc().splitlines():
                print('# ' + line)
            print('not ok %d - %s' % (number, name), flush=True)
    sys.exit(1 if failed else 0)


def equal(got, wanted):
    """Fail, showing both, unless they are the same."""
    if got != wanted:
        raise AssertionError('got %r, wanted %r' % (got, wanted))
