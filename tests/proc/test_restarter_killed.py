# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones is killed after each persisted write of a boot and of a stop of 20 zones, and after
each message of reboots: no zone is lost, none is booted twice, and in the end all is as if
nothing had happened."""

import json
import os
import shutil
import signal

import kz
from restarter import call, configure, install

# Name: what it depends on. Chains, a diamond, and some that stand alone.
SLOTS = 4
ZONES = {
    "db": [], "cache": [], "app1": ["db", "cache"], "app2": ["db", "cache"],
    "web": ["app1", "app2"], "mail": ["db"], "dns": [],
    **{"chain%d" % n: ["chain%d" % (n - 1)] if n else [] for n in range(6)},
    **{"one%d" % n: [] for n in range(7)}}
KILLED = 9


def prepare(t, zones=ZONES):
    """Installed zones whose kzhost is the fake one; what is on disk is kept as pristine."""
    os.unlink(t.path("libexec/kzhost"))
    os.symlink(kz.find_program("fakehost"), t.path("libexec/kzhost"))
    t.write("kernel", "a kernel")
    t.write("fake/log", "")
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": %d}}' % SLOTS)
    for zone, depends in zones.items():
        configure(t, zone, depends, autoboot=True)
    t.svc_start()
    for zone in zones:
        install(t, zone)
    kz.eq(t.svc_stop(), 0)
    shutil.copy(t.path("var/lib/zones/state.json"), t.path("pristine"))


def reset(t):
    """As before the host booted."""
    shutil.rmtree(t.path("run/zones"))
    shutil.copy(t.path("pristine"), t.path("var/lib/zones/state.json"))
    t.write("fake/log", "")


def killed_at(t, n, *how):
    """svc.zones that will be killed after the n-th time that it has written state.json."""
    return t.start("killat", "-r", "zones/state.json", *how, str(n),
                   kz.find_program("svc.zones"), ASAN_OPTIONS="detect_leaks=0")


def instances(t):
    c = t.connect()
    try:
        return {i["zone"]: i["state"] for i in c.call("Instances")["instances"]}
    finally:
        c.close()


def all_online(t):
    """Everywhere: in what svc.zones answers, and in what it has written."""
    try:
        written = {o["instance"] for o in t.json("var/lib/zones/state.json")["zones"].values()}
        return set(instances(t).values()) == written == {"online"}
    except (OSError, AssertionError):
        return False


def log(t):
    return [tuple(line.split()[:2]) for line in t.read("fake/log").splitlines()]


def state(t):
    """state.json without what differs from run to run."""
    doc = t.json("var/lib/zones/state.json")
    kept = {zone: {k: v for k, v in o.items() if not k.endswith("_ms") and k != "id"}
            for zone, o in doc["zones"].items()}
    return json.dumps(kept, sort_keys=True)


def check_boot(t, n):
    """Each zone was booted once, after what it depends on.

    A machine that was made and not started when svc.zones was killed is made anew: its guest has
    not run. Those can be as many as boot at once."""
    lines = log(t)
    for zone, depends in ZONES.items():
        kz.eq(lines.count((zone, "start")), 1, "start of %s, killed at write %d" % (zone, n))
        for d in depends:
            kz.eq(lines.index((d, "start")) < lines.index((zone, "create")), True,
                  "%s before %s, killed at write %d" % (d, zone, n))


    made = sum(what == "create" for _, what in lines)
    kz.eq(0 <= made - len(ZONES) <= SLOTS, True, "%d made, killed at write %d" % (made, n))


def check_stop(t, n):
    """Each zone was shut down once, after what depends on it."""
    lines = log(t)
    for zone, depends in ZONES.items():
        kz.eq(lines.count((zone, "start")), 1, "%s, killed at write %d" % (zone, n))
        kz.eq(lines.count((zone, "shutdown")), 1, "%s, killed at write %d" % (zone, n))
        kz.eq(lines.count((zone, "halt")), 0, "%s, killed at write %d" % (zone, n))
        for d in depends:
            kz.eq(lines.index((zone, "shutdown")) < lines.index((d, "shutdown")), True,
                  "%s before %s, killed at write %d" % (zone, d, n))


def ended(process):
    return not process.alive()


# Zones that are to begin anew, or to end, by whose wish and how.
AGAIN = {"reset": signal.SIGUSR1, "off": signal.SIGUSR2, "reboot": ("Reboot", {}, "halt"),
         "restart": ("Shutdown", {"reboot": True}, "shutdown")}


def pid_of(t, zone):
    """Of the zone's last fakehost."""
    return [int(line.split()[2]) for line in t.read("fake/log").splitlines()
            if line.split()[:2] == [zone, "begin"]][-1]


def ask_again(t):
    """All at once; connections to keep."""
    connections = []
    for zone in ("reset", "off"):
        os.kill(pid_of(t, zone), AGAIN[zone])
    try:
        for zone in ("reboot", "restart"):
            connections.append(t.connect())
            method, parameters, _ = AGAIN[zone]
            connections[-1].send(method, {"zone": zone, **parameters})
    except OSError:
        pass  # svc.zones died before it was asked
    return connections


def settled(t, begun):
    """Was each of these machines followed by another one, but that of "off"?"""
    try:
        now = {i["zone"]: (i["state"], i["next_state"])
               for i in call(t, "Instances")["instances"]}
    except AssertionError:
        return False  # it was killed meanwhile
    off = now.pop("off")
    return (set(now.values()) == {("online", "none")} and
            (off == ("disabled", "none") or off == ("online", "none") and "off" not in begun) and
            all(zone == "off" or pid_of(t, zone) != pid for zone, pid in begun.items()))


def carried_on(t, process, begun):
    """svc.zones, which may be killed meanwhile, finishes what was begun, and boots "off" again."""
    kz.wait_for(lambda: ended(process) or settled(t, begun), "what was begun is carried on")
    if ended(process):
        return False
    begun.pop("off", None)
    try:
        if instances(t)["off"] == "disabled":
            call(t, "Boot", zone="off")
    except (OSError, AssertionError):
        pass  # it was killed
    kz.wait_for(lambda: ended(process) or all_online(t), "all are online")
    return not ended(process)


def begun_before(t, pids):
    """Those of these machines of which svc.zones cannot have heard nothing."""
    lines = [line.split() for line in t.read("fake/log").splitlines()]
    told = {(zone, int(pid)) for zone, what, pid in lines if zone in AGAIN and
            what in ("reset", "poweroff", "halt", "shutdown")}
    return {zone: pid for zone, pid in pids.items() if (zone, pid) in told}


@kz.test
def killed_after_each_message_of_a_reboot(t):
    """What a guest has said, or an operator has begun, is carried on: it is no failure. Each
    svc.zones that is killed is followed by one that is killed one step later."""
    prepare(t, {zone: [] for zone in AGAIN})
    t.svc_start()
    kz.wait_for(lambda: all_online(t), "the boot")
    expected, n, begun, asked = state(t), 0, {}, 0
    t.svc_kill()
    while True:
        n += 1
        process = killed_at(t, n, "-m")
        if carried_on(t, process, begun):
            kz.eq(state(t), expected, "before it was killed at %d" % n)
            asked += 1
            begun = {zone: pid_of(t, zone) for zone in AGAIN}
            connections = ask_again(t)
            kz.wait_for(lambda: ended(process) or settled(t, begun), "killed at %d, or done" % n)
            for c in connections:
                c.close()
        if not ended(process):
            break
        kz.eq(process.wait(), KILLED, process.output())
        begun = begun_before(t, begun)
    kz.comment("%d steps, %d reboots" % (n - 1, asked))
    kz.eq(asked > 20, True)


@kz.test
def killed_after_each_write_of_a_boot(t):
    prepare(t)
    t.svc_start()
    kz.wait_for(lambda: all_online(t), "the undisturbed boot")
    expected, n = state(t), 0
    kz.eq(t.svc_stop(), 0)
    while True:
        n += 1
        reset(t)
        process = killed_at(t, n)
        kz.wait_for(lambda: ended(process) or all_online(t), "killed at %d, or online" % n)
        killed = ended(process)
        if killed:
            if process.wait() == 77:
                raise kz.Skip("no process can be traced here")
            kz.eq(process.wait(), KILLED, process.output())
            t.svc_start()
            kz.wait_for(lambda: all_online(t), "all are online, after write %d" % n)
        check_boot(t, n)
        kz.eq(state(t), expected, "after write %d" % n)
        if not killed:
            break
        kz.eq(t.svc_stop(), 0)
        check_stop(t, n)
    kz.comment("%d writes" % (n - 1))
    kz.eq(n > 5, True)
    c = t.connect()
    os.kill(c.call("Status")["status"]["host"]["pid"], signal.SIGTERM)
    c.close()
    if process.wait() == KILLED:  # at the stop's write
        kz.eq(t.start("svc.zones").wait(), 0)


@kz.test
def killed_after_each_write_of_a_stop(t):
    prepare(t)
    t.svc_start()
    kz.wait_for(lambda: all_online(t), "the undisturbed boot")
    kz.eq(t.svc_stop(), 0)
    expected, n, killed = state(t), 0, True
    while killed:
        n += 1
        reset(t)
        t.svc_start()
        kz.wait_for(lambda: all_online(t), "all are online")
        t.svc_kill()
        process = killed_at(t, n)

        def told():
            """It has been asked to stop, or it died before that."""
            try:
                c = t.connect()
                host = c.call("Status")["status"]["host"]
                c.close()
                if not host["stopping"]:  # a second signal would halt them all
                    os.kill(host["pid"], signal.SIGTERM)
                return True
            except (OSError, AssertionError):
                return ended(process)

        kz.wait_for(told, "it is asked to stop")
        killed = process.wait() == KILLED
        if killed and t.json("var/lib/zones/state.json")["boot_id"]:
            # What was killed behind its last write has stopped all: the next boots them.
            process = t.start("svc.zones")
            # When it died before it had noted the stop, this one has to be asked again.
            kz.wait_for(lambda: ended(process) or told(), "the next one stops")
            kz.eq(process.wait(), 0, process.output())
        check_boot(t, n)
        check_stop(t, n)
        kz.eq(state(t), expected, "after write %d" % n)
    kz.comment("%d writes" % (n - 1))
    kz.eq(n > 5, True)


kz.main()
