# SPDX-License-Identifier: BSD-2-Clause
"""zoneadm.8, svcs.1 and svcadm.8 explain every option, subcommand and column there is."""

import os
import re
import shutil

import kz

PAGES = {"zoneadm": "zoneadm.8", "svcs": "svcs.1", "svcadm": "svcadm.8",
         "svccfg": "svccfg.8"}


def page(program):
    with open(os.path.join(kz.SOURCE, "docs", "man", PAGES[program])) as f:
        return f.read()


def options(text):
    """Letters of the option table in a usage text."""
    return re.findall(r"^\t-(\S)", text, re.M)


def words(text, head):
    """First words of the lines below a heading of the usage text."""
    section = text.split(head + "\n")[1]
    return re.findall(r"^\t([^-\s]\S*)", section, re.M)


def explained(text):
    """Letters of options that a page, or a part of it, explains in a list."""
    return re.findall(r"^\.It Fl (\S)\b", text, re.M)


@kz.test
def every_option_is_explained(t):
    for program in ("svcs", "svcadm", "svccfg"):
        kz.eq(sorted(explained(page(program))),
              sorted(options(t.run(program, "-h").stdout) + ["h"]), program)
    kz.eq(sorted(explained(page("zoneadm").split(".Ss Subcommands")[0])),
          sorted(options(t.run("zoneadm", "-h").stdout) + ["h"]))


@kz.test
def every_subcommand_of_zoneadm_is_explained_with_its_options(t):
    text = page("zoneadm").split(".Ss Subcommands")[1]
    entries = re.split(r"^\.It Cm ", text, flags=re.M)[1:]
    found = {entry.split()[0]: explained(entry) for entry in entries}
    expected = {name: options(t.run("zoneadm", "help", name).stdout)
                for name in words(t.run("zoneadm", "help").stdout, "subcommands:")}
    kz.eq(len(expected) > 5, True)
    kz.eq({k: sorted(v) for k, v in found.items()},
          {k: sorted(v) for k, v in expected.items()})


@kz.test
def every_subcommand_of_svcadm_and_svccfg_is_explained(t):
    for program in ("svcadm", "svccfg"):
        kz.eq(re.findall(r"^\.It Cm (\S+)", page(program), re.M),
              words(t.run(program, "-h").stdout, "subcommands:"), program)


@kz.test
def every_property_of_the_restarter_is_explained(t):
    with open(os.path.join(kz.SOURCE, "restarter", "config.h")) as f:
        names = re.findall(r'X\(\w+, "([a-z-]+)"', f.read())
    kz.eq(len(names) > 3, True)
    kz.eq(re.findall(r"^\.It config/(\S+)", page("svccfg"), re.M), names)


@kz.test
def every_column_of_svcs_is_explained(t):
    text = page("svcs").split(".Ss Columns")[1].split(".Ss")[0]
    kz.eq(re.findall(r"^\.It (\S+)", text, re.M),
          words(t.run("svcs", "-h").stdout, "columns:"))


@kz.test
def the_pages_are_clean(t):
    if not shutil.which("mandoc"):
        raise kz.Skip("mandoc is not installed")
    for name in PAGES.values():
        path = os.path.join(kz.SOURCE, "docs", "man", name)
        r = t.run(shutil.which("mandoc"), "-T", "lint", "-W", "style", path, status=None)
        lines = [line for line in r.stdout.split("\n")
                 if line and "referenced manual not found" not in line]
        kz.eq(lines, [])


kz.main()
