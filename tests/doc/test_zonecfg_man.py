# SPDX-License-Identifier: BSD-2-Clause
"""zonecfg.8 has every option, subcommand, resource type and property that the program has."""

import os
import re
import shutil

import kz

PAGE = os.path.join(kz.SOURCE, "docs", "man", "zonecfg.8")


def page():
    with open(PAGE) as f:
        return f.read()


def items():
    """What the page's lists explain, as (depth of the list, name)."""
    depth = 0
    for line in page().split("\n"):
        if line.startswith(".Bl"):
            depth += 1
        elif line.startswith(".El"):
            depth -= 1
        for name in re.findall(r"^\.It (?:Cm|Fl) (\S+)", line):
            yield depth, name


def types(t):
    """{type: [property]} as the program's help has them."""
    overview = t.run("zonecfg", "help").stdout.split("Resource types")[1]
    names = re.findall(r"^\t(\S+)", overview, re.M)
    return {name: re.findall(r"^\t(\S+)", t.run("zonecfg", "help", name).stdout, re.M)
            for name in names}


@kz.test
def every_option_is_explained(t):
    options = re.findall(r"^\t-(\S)", t.run("zonecfg", "-h").stdout, re.M) + ["h"]
    kz.eq(sorted(options), sorted(n for d, n in items() if len(n) == 1 and d == 1))


@kz.test
def every_subcommand_is_explained_with_its_options(t):
    overview = t.run("zonecfg", "help").stdout.split("Resource types")[0]
    for syntax in re.findall(r"^\t(\S.*?)  ", overview, re.M):
        name = syntax.split()[0]
        entries = re.findall(r"^\.It Cm %s\b.*$" % name, page(), re.M)
        kz.eq(len(entries), 1, name)
        for option in re.findall(r"-(\w)", syntax):
            kz.has(entries[0], "Fl " + option)


@kz.test
def every_type_has_its_properties_under_it(t):
    expected = types(t)
    if len(expected) < 2:
        raise AssertionError("no types in: %r" % expected)
    found, current = {"global": []}, None
    section = page().split(".Ss Properties")[1].split(".Ss ")[0]
    depth = 0
    for line in section.split("\n"):
        depth += line.startswith(".Bl") - line.startswith(".El")
        m = re.match(r"\.It Cm (\S+)", line)
        if m and depth == 1 and m.group(1) in expected:
            current = found.setdefault(m.group(1), [])
        elif m:
            (found["global"] if depth == 1 else current).append(m.group(1))
    kz.eq({k: sorted(v) for k, v in found.items()}, {k: sorted(v) for k, v in expected.items()})


# Neither flagged nor read by the restarter: these have one value only, or are notes.
NOT_READ = {"ZONEPATH", "BRAND", "IP_TYPE", "ATTR_NAME", "ATTR_TYPE", "ATTR_VALUE"}

# By zone_disk_path(), for everybody.
READ_FOR_ALL = {"MATCH", "STORAGE"}


def sources(*parts):
    """The text of the C files of a folder, or of one file."""
    path = os.path.join(kz.SOURCE, *parts)
    names = [path] if os.path.isfile(path) else \
        [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".c")]
    text = ""
    for name in names:
        with open(name) as f:
            text += f.read()
    return text


@kz.test
def what_is_only_stored_is_what_nothing_reads(t):
    table = sources("common", "zone", "table.h").replace("\\\n", "")
    row = r'X\((\w+),\s+\w+,\s+"[\w-]+",\s+\w+,\s+(?:NULL|"[^"]*"),\s+([A-Z_ |]+?),\s+\w+,'
    rows = re.findall(row, table)
    flags = {name: flag for name, flag in rows}
    if not {"BRAND", "HOSTID", "CAPPED_NCPUS", "RCTL_VALUE", "NCPUS"} <= set(flags):
        raise AssertionError("rows not found, only: %r" % sorted(flags))
    read = set(re.findall(r"\bPROP_(\w+)", sources("restarter") +
                          sources("common", "zone", "conf.c")))
    read |= READ_FOR_ALL
    inert = {name for name, flag in flags.items() if "PF_INERT" in flag}
    kz.eq(sorted(inert & read), [])
    kz.eq(sorted(set(flags) - inert - read), sorted(NOT_READ))


@kz.test
def what_is_only_stored_is_said(t):
    expected, found = {}, {}
    for name in types(t):
        text = t.run("zonecfg", "help", name).stdout
        stored = re.findall(r"^\t(\S+).*\n\t\t.*stored, but not applied yet", text, re.M)
        if stored:
            expected[name] = sorted(stored)
    section = page().split(".Ss Stored, but not applied yet")[1].split(".Sh ")[0]
    for line in section.split("\n"):
        if line.startswith(".It Cm "):
            current = found.setdefault(line.split()[2], [])
        elif line.startswith(".Cm "):
            current.append(line.split()[1])
    kz.eq(found, expected)


@kz.test
def the_page_is_clean(t):
    if not shutil.which("mandoc"):
        raise kz.Skip("mandoc is not installed")
    r = t.run(shutil.which("mandoc"), "-T", "lint", "-W", "style", PAGE, status=None)
    lines = [line for line in r.stdout.split("\n")
             if line and "referenced manual not found" not in line]
    kz.eq(lines, [])


if __name__ == "__main__":
    kz.main()
