# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones.8 has every option, property and variable; docs/states.md is what the tables say."""

import os
import re

import kz


def source(*parts):
    with open(os.path.join(kz.SOURCE, *parts)) as f:
        return f.read()


@kz.test
def every_option_is_explained(t):
    page = source("docs/man/svc.zones.8")
    options = re.findall(r"^  (--?\w+)", t.run("svc.zones", "-h").stdout, re.M)
    kz.eq(len(options) >= 6, True, options)
    for option in options:
        kz.has(page, ".It Fl " + option[1:])


@kz.test
def every_variable_is_explained(t):
    page = source("docs/man/svc.zones.8")
    for folder in ("restarter", "common/sys"):
        for name in os.listdir(os.path.join(kz.SOURCE, folder)):
            for variable in re.findall(r'getenv\("([A-Z_]+)"', source(folder, name)):
                if variable != "JOURNAL_STREAM":
                    kz.has(page, ".It Ev " + variable)


@kz.test
def states_are_those_of_the_tables(t):
    kz.eq(t.run("svc.zones", "--states").stdout == source("docs/states.md"), True,
          "docs/states.md: svc.zones --states > docs/states.md")


kz.main()
