# SPDX-License-Identifier: BSD-2-Clause
"""docs/bug-classes.md names tests that exist, and at least one for every class."""

import glob
import os
import re

import kz


def text(*parts):
    with open(os.path.join(kz.SOURCE, *parts)) as f:
        return f.read()


def texts(pattern):
    return "".join(text(path) for path in glob.glob(os.path.join(kz.SOURCE, pattern)))


def rows():
    """(class, names of tests) of every row."""
    for line in text("docs", "bug-classes.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0] not in ("class", "---"):
            yield cells[0], re.findall(r"(nightly )?`([^`]+)`", cells[2])


@kz.test
def every_test_exists(t):
    known = {"%s.%s" % case for case in re.findall(r"^TEST\((\w+), (\w+)\)",
                                                   texts("tests/*/*.c"), re.M)}
    known |= {"evil " + name for name in re.findall(r'^\t\{ "([\w-]+)", "',
                                                    texts("tests/guest/evil_*.c"), re.M)}
    known |= {os.path.basename(path)[:-2]
              for path in glob.glob(os.path.join(kz.SOURCE, "tests/fuzz/fuzz_*.c"))}
    jobs = set(re.findall(r"^job_(\w+)\(\)", text("scripts", "nightly"), re.M))
    kz.eq(len(known) > 300 and len(jobs) > 3, True)
    found = list(rows())
    kz.eq(len(found) >= 20, True)
    for name, tests in found:
        kz.eq(tests != [], True, name)
        kz.eq([test for nightly, test in tests if test not in (jobs if nightly else known)], [],
              name)


kz.main()
