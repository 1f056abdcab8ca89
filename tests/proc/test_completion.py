# SPDX-License-Identifier: BSD-2-Clause
"""bash completion: what Tab offers comes from the programs themselves."""

import json
import os
import re
import shutil

import kz
from fake_svc import FakeSvc, instance, zone

SCRIPT = os.path.join(kz.SOURCE, "manifests", "completion", "kzones.bash")
PROGRAMS = ("zonecfg", "zoneadm", "svcs", "svcadm", "svccfg", "zlogin")
UUID = "29be88cb-e61a-4204-8d9b-f4a61bf0efdd"

# What readline does: calls the function that is registered for the program.
ASK = r"""
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
program=${COMP_LINE%% *}
fn=$(complete -p "$program" | sed 's/.*-F \([^ ]*\) .*/\1/')
"$fn" "$program"
printf '%s\n' "${COMPREPLY[@]}"
"""


def offered(t, line):
    """The candidates for the last word of a line."""
    if not shutil.which("bash"):
        raise kz.Skip("no bash")
    path = ":".join(sorted({os.path.dirname(kz.find_program(p)) for p in PROGRAMS}))
    r = t.run("/bin/bash", "-c", ASK, "bash", SCRIPT, line,
              PATH=path + ":" + os.environ["PATH"])
    kz.eq(r.stderr, "")
    return [text for text in r.stdout.split("\n") if text]


class World(FakeSvc):
    def __init__(self, t):
        super().__init__(t)
        self.zones = [zone("db", "running", id=3, uuid=UUID), zone("web", "configured")]
        self.instances = [instance("db")]
        for name in ("db", "web"):
            t.write("etc/zones/%s.json" % name, json.dumps(
                {"version": 1, "device": [{"id": 0}, {"id": 3}]}))


@kz.test
def options_are_those_of_the_usage_text(t):
    for program in PROGRAMS:
        usage = t.run(program, "-h").stdout
        options = re.findall(r"^\t(-\S+)", usage, re.M)
        kz.eq(len(options) > 0, True, program)
        kz.eq(offered(t, program + " -"), options, program)
        for option in options:
            kz.has(offered(t, program + " " + option), option)


@kz.test
def bash_finds_it_under_the_name_of_each_program(t):
    with open(os.path.join(kz.SOURCE, "manifests", "completion", "meson.build")) as f:
        installed = re.findall(r"'(\w+)'", f.read().split("[")[1].split("]")[0])
    with open(SCRIPT) as f:
        registered = re.search(r"^complete -F _kzones (.*)$", f.read(), re.M).group(1).split()
    kz.eq(sorted(installed), sorted(registered))
    kz.eq(sorted(installed), sorted(PROGRAMS))


@kz.test
def subcommands_are_those_of_the_usage_text(t):
    for program in ("zoneadm", "svcadm", "svccfg"):
        usage = t.run(program, "-h").stdout.split("subcommands:\n")[1]
        kz.eq(offered(t, program + " "), re.findall(r"^\t([^-\s]\S*)", usage, re.M))
    kz.eq(offered(t, "zoneadm -z db he"), ["help"])
    kz.eq(offered(t, "zoneadm help un"), ["uninstall"])
    kz.eq(offered(t, "zoneadm -z db uninstall -"), ["-F"])
    kz.has(offered(t, "zoneadm list -"), "--json")
    kz.eq(offered(t, "zoneadm -z db mark "), ["incomplete", "unavailable"])
    kz.eq(offered(t, "zoneadm -z db mark u"), ["unavailable"])
    kz.eq(offered(t, "zoneadm -z db halt "), [])


@kz.test
def zones_and_instances_are_asked_for(t):
    with World(t):
        for line in ("zoneadm -z ", "zonecfg -z ", "zlogin ", "zlogin -C ", "zlogin -e x -C "):
            kz.eq(sorted(offered(t, line)), ["db", "web"], line)
        kz.eq(offered(t, "zoneadm -R %s -z w" % t.root), ["web"])
        kz.eq(offered(t, "zoneadm -u 2"), [UUID])
        fmri = "svc:/system/zones/zone:db"
        kz.eq(offered(t, "svcs "), [fmri])
        kz.eq(offered(t, "svcadm enable "), [fmri])
        kz.eq(offered(t, "svcadm enable svc:/sys"), [fmri[len("svc:"):]])  # ':' ends a word
        kz.eq(offered(t, "svcadm enable svc:/system/zones/zone:d"), ["db"])
        kz.eq(offered(t, "svcadm mark "), ["maintenance", "degraded"])
        kz.eq(offered(t, "svcadm mark -I m"), ["maintenance"])
        kz.eq(offered(t, "svcadm mark -I maintenance "), [fmri])
        kz.eq(offered(t, "zlogin db "), [])
        kz.eq(sorted(offered(t, "svcs -z ")), ["db", "web"])
        kz.eq(offered(t, "svcs -d zo"), [])
        kz.eq(offered(t, "svccfg -s svc"), ["svc:/system/zones:default"])


@kz.test
def without_svc_zones_nothing_is_offered_and_nothing_said(t):
    kz.eq(offered(t, "zoneadm -z "), [])
    kz.eq(offered(t, "svcs "), [])


@kz.test
def columns_of_svcs(t):
    kz.has(offered(t, "svcs -o "), "FMRI")
    kz.eq(offered(t, "svcs -o STATE,FM"), ["STATE,FMRI"])
    kz.eq(offered(t, "svcs -s STI"), ["STIME"])


@kz.test
def the_language_of_zonecfg(t):
    with World(t):
        kz.eq(offered(t, "zonecfg "), ["help "])
        kz.eq(offered(t, "zonecfg help dev"), ["device "])
        kz.eq(offered(t, "zonecfg -z db se"), ["select ", "set "])
        kz.eq(offered(t, "zonecfg -z db set auto"), ["autoboot=", "autoshutdown="])
        kz.eq(offered(t, "zonecfg -z db set autoboot="), ["false", "true"])
        kz.eq(offered(t, "zonecfg -z db set autoboot=t"), ["true"])
        kz.eq(offered(t, "zonecfg -z db select device id="), ["0", "3"])
        kz.eq(offered(t, "zonecfg -z db delete -"), ["-F "])
        kz.eq(offered(t, "zonecfg -z new cre"), ["create "])
        kz.eq(offered(t, 'zonecfg -z db "add dev'), ["add device "])
        kz.eq(offered(t, 'zonecfg -z db "add device; set st'), ["add device; set storage="])


@kz.test
def files_and_folders(t):
    t.write("here/commands", "")
    kz.eq(offered(t, "zonecfg -z db -f %s/comm" % t.path("here")), [t.path("here/commands")])
    kz.eq(offered(t, "zoneadm -R %s/he" % t.root), [t.path("here")])


kz.main()
