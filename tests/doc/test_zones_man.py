# SPDX-License-Identifier: BSD-2-Clause
"""zones.7 and solaris-kz.7 name what there is; every page is clean, installed and found."""

import os
import re
import shutil

import kz

MAN = os.path.join(kz.SOURCE, "docs", "man")
PAGES = sorted(name for name in os.listdir(MAN) if name[-2:-1] == ".")


def source(*parts):
    with open(os.path.join(kz.SOURCE, *parts)) as f:
        return f.read()


@kz.test
def every_state_is_explained(t):
    table = source("common/zone/states.h").split("#define ZONE_STATES(X)")[1]
    states = re.findall(r'X\(\w+, "(\w+)"\)', table.split("enum zone_state")[0])
    kz.eq(len(states), 8)
    part = source("docs/man/zones.7").split(".Ss States of a zone")[1].split(".El")[0]
    kz.eq(re.findall(r"^\.It (\S+)", part, re.M), states)


@kz.test
def every_auxiliary_state_that_svc_zones_gives_is_explained(t):
    names = dict(re.findall(r'X\((\w+), "([\w-]+)"\)', source("common/zone/states.h")))
    used = re.findall(r"AUX_([A-Z_]+)\)", source("restarter/view.c"))
    part = source("docs/man/zones.7").split("auxiliary states besides")[1].split(".El")[0]
    kz.eq(sorted(re.findall(r"^\.It (\S+)", part, re.M)), sorted(names[u] for u in used))


@kz.test
def every_template_is_named(t):
    page = source("docs/man/solaris-kz.7")
    for name in os.listdir(os.path.join(kz.SOURCE, "manifests", "templates")):
        if name.endswith(".json"):
            kz.has(page, ".Dq " + name[:-len(".json")])


@kz.test
def every_page_is_installed(t):
    kz.eq(re.findall(r"'([\w.-]+\.\d)'", source("docs/man/meson.build")), PAGES)


@kz.test
def references_to_our_pages_have_their_section(t):
    sections = dict(name.rsplit(".", 1) for name in PAGES)
    for page in PAGES:
        for name, section in re.findall(r"^\.Xr (\S+) (\d)", source("docs/man", page), re.M):
            kz.eq(section, sections.get(name, section), "%s: %s" % (page, name))


@kz.test
def every_page_is_clean(t):
    if not shutil.which("mandoc"):
        raise kz.Skip("mandoc is not installed")
    for page in PAGES:
        r = t.run(shutil.which("mandoc"), "-T", "lint", "-W", "warning",
                  os.path.join(MAN, page), status=None)
        kz.eq(r.stdout, "")


kz.main()
