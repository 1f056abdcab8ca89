# SPDX-License-Identifier: BSD-2-Clause
"""svcadm, svcs and svccfg with a real svc.zones: whole sessions, every word of them golden."""

import re

import kz
from restarter import call, configure, now, script, setup


class Session:
    """Runs commands and writes down what they print, without what differs from run to run."""

    def __init__(self, t):
        self.t = t
        self.text = ""

    def run(self, line):
        program, *args = line.split()
        r = self.t.run(program, *args, status=None, TZ="UTC")
        self.text += "$ %s\n%s%s" % (line, r.stdout, r.stderr)
        if r.returncode:
            self.text += "[exit status %d]\n" % r.returncode

    def golden(self, name):
        text = self.text.replace(self.t.root, "ROOT")
        text = re.sub(r"since \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}", "since DATE", text)
        text = re.sub(r"(state_time +)\w{3} \w{3} .*", r"\1DATE", text)
        text = re.sub(r"\b\d\d:\d\d:\d\d\b", "HH:MM:SS", text)
        text = re.sub(r"(contract_id +)\d+", r"\1PID", text)
        text = re.sub(r"\b\d+ s\b", "N s", text)
        # What fakes lack, and who runs them, is told elsewhere (test_confinement.py).
        text = re.sub(r"(?m)^(confinement|unconfined) .*\n", "", text)
        kz.golden(name, text)


def reason(t, zone, word):
    """Waits until the instance's reason is this one."""
    kz.wait_for(lambda: t.instance(zone)["auxiliary_state"] == word, zone + ": " + word)


@kz.test
def svcadm_verbs(t):
    setup(t, "db", "web")
    s = Session(t)
    s.run("svcadm -v enable -st web")
    s.run("svcadm -v enable -st web zone:db")
    s.run("svcadm -v refresh web")
    s.run("svcadm -v refresh system/zones:default")
    s.run("svcadm -v mark degraded web")
    s.run("svcadm -v mark degraded web")
    s.run("svcadm -v clear web")
    s.run("svcadm -v clear web")
    s.run("svcadm -v mark -It maintenance web")
    reason(t, "web", "administrative_request")
    s.run("svcadm -v mark maintenance web")
    s.run("svcadm -v mark degraded web")
    s.run("svcadm -v restart web")
    s.run("svcadm -v disable -st svc://localhost/system/zones/zone:db")
    s.run("svcadm -v disable -st db")
    s.run("svcadm -v clear db")
    s.run("svcadm -v restart db nope")
    s.run("svcadm -v refresh nope")
    s.golden("svcadm/verbs")


@kz.test
def svcadm_words(t):
    setup(t, "db", "web")
    s = Session(t)
    for line in ("enable nope", "enable zones/zone", "enable svc:/system/zones/zone",
                 "enable -t nope* w?b", "disable -t svc:/network/inetd:default",
                 "enable -t svc:/system/zones:default", "-v disable -t *"):
        s.run("svcadm " + line)
    s.golden("svcadm/words")


@kz.test
def svcadm_waits(t):
    configure(t, "web", depends=["db"])
    configure(t, "x", depends=["y"])
    configure(t, "y", depends=["x"])
    setup(t, "web", "db", "bad", "x", "y")
    script(t, "bad", "create fail no such kernel")
    s = Session(t)
    s.run("svcadm enable -st bad")
    s.run("svcadm enable -st web")
    s.run("svcadm enable -st x")
    s.run("svcadm disable -st bad")
    script(t, "db", "create fail no such kernel")
    s.run("svcadm enable -rst web")
    s.run("svcadm enable -st bad web")
    s.golden("svcadm/waits")


@kz.test
def svcadm_usage(t):
    s = Session(t)
    s.run("svcadm -h")
    for line in ("", "explode web", "enable", "enable -I web", "mark web",
                 "mark better web", "mark -I degraded web", "--plan web"):
        s.run("svcadm " + line)
    s.run("svcadm --plan")
    s.run("svcs -h")
    s.run("svcs -dl")
    s.run("svcs -s")
    s.run("svccfg -h")
    s.golden("svcadm/usage")


@kz.test
def reasons_of_zones_that_come_up(t):
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 2}}')
    configure(t, "goals", goals="console:ready")
    configure(t, "front", depends=["goals"])
    setup(t, "goals", "front", "hang", "third")
    script(t, "hang", "create hang")
    call(t, "Enable", zone="goals", temporary=True)
    reason(t, "goals", "waiting_for_goals")
    call(t, "Enable", zone="hang", temporary=True)
    reason(t, "hang", "starting")
    for zone in ("third", "front"):
        call(t, "Enable", zone=zone, temporary=True)
    reason(t, "third", "waiting_for_slot")
    reason(t, "front", "dependency_unsatisfied")
    s = Session(t)
    s.run("svcs -H -s inst -o state,stime,fmri")
    for zone in ("goals", "hang", "third", "front"):
        s.run("svcs -xv " + zone)
    s.run("svcs -l front goals")
    s.run("svcs -d front")
    s.run("svcs -D goals")
    s.golden("svcs/coming")


@kz.test
def reasons_of_zones_in_trouble(t):
    configure(t, "x", depends=["y"])
    configure(t, "y", depends=["x"])
    configure(t, "slow", shutdown_timeout=3600)
    setup(t, "bad", "broken", "off", "panic", "slow", "x", "y", "excluded")
    configure(t, "excluded", smf_dependency=[
        {"fmri": "svc:/system/zones/zone:slow", "grouping": "exclude_all"}])
    call(t, "Refresh", zone="excluded")
    script(t, "bad", "create fail no such kernel")
    script(t, "slow", "shutdown hang")
    for zone in ("bad", "off", "panic", "slow"):
        call(t, "Enable", zone=zone, temporary=True)
    for zone in ("off", "panic", "slow"):
        reason(t, zone, "none")
    call(t, "Enable", zone="excluded", temporary=True)
    for zone, what in (("off", "exiting poweroff"), ("panic", "panic")):
        now(t, zone, what)
    t.write("etc/zones/broken.json", "{")
    call(t, "Refresh", zone="broken")
    for zone, word in (("bad", "boot_failed"), ("off", "guest_poweroff"),
                       ("panic", "guest_panicked"),
                       ("broken", "configuration_error"), ("x", "dependency_cycle"),
                       ("excluded", "dependency_excluded")):
        reason(t, zone, word)
    s = Session(t)
    for zone in ("bad", "off", "panic", "broken", "x", "excluded"):
        s.run("svcs -xv " + zone)
    call(t, "Disable", zone="slow", temporary=True)
    reason(t, "slow", "shutting_down")
    s.run("svcs -xv slow")
    s.golden("svcs/trouble")


@kz.test
def svccfg_session(t):
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 3, '
            '"concurrent-suspend-resume": 5}}')
    t.svc_start()
    s = Session(t)
    of = "svccfg -s svc:/system/zones:default "
    for line in ("listprop", "setprop config/concurrent-boot-shutdown = count: 7",
                 "setprop config/track-zone-goals=boolean: false",
                 "setprop config/stop-timeout=soon", "setprop config/stop-timeout=boolean: 1",
                 "setprop config/nonsense=1", "setprop config/stop-timeout",
                 "listprop config/*", "delprop config/concurrent-boot-shutdown",
                 "delprop config/nonsense", "listprop config/nonsense", "explode", ""):
        s.run((of + line).strip())
    s.run("svcadm refresh zones:default")
    s.run("svccfg -s zones/zone:web listprop")
    s.run("svccfg -s network/inetd listprop")
    s.run("svccfg listprop")
    s.golden("svccfg/session")


kz.main()
