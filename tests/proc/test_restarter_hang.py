# SPDX-License-Identifier: BSD-2-Clause
"""Storage that does not answer: only the zone that wants it waits, and nothing is left over."""

import os

import kz
from restarter import (MIB, call, check_status, configure, disk, fake, image, install, log,
                       refused, setup, status)

PATIENT = {"KZONES_STEP_TIMEOUT_MS": "60000"}  # what is waited for is said after 3 s
QUICK = {"KZONES_STEP_TIMEOUT_MS": "8000"}     # ... after 0.4 s


def start(t, **env):
    """svc.zones on a host some of whose storage may hang."""
    t.svc_start(wrapper=(kz.find_program("hang"), t.path("hung")), **dict(QUICK, **env))


def hung_setup(t, *zones, **env):
    """The same with installed zones, whose kzhost is the fake."""
    fake(t)
    answer(t)
    for zone in zones:
        if not os.path.exists(t.path("etc/zones/%s.json" % zone)):
            configure(t, zone)
    start(t, **env)
    for zone in zones:
        install(t, zone)


def hang(t, *paths):
    """From now on these do not answer."""
    t.write("hung.new", "".join(p + "\n" for p in paths))
    os.rename(t.path("hung.new"), t.path("hung"))


def answer(t):
    """Everything answers again."""
    hang(t)


def hanging(t):
    return t.read("hung.now").split()


def begin_boot(t, zone, *paths):
    """An operator's boot that hangs at paths by now; the connection that waits for it."""
    c = t.connect()
    c.send("Boot", {"zone": zone}, more=True)
    for path in paths:
        kz.wait_for(lambda: path in hanging(t), "%s hangs" % path)
    return c


def names(folder, of):
    """What of() says of each entry that is still there."""
    found = []
    for name in os.listdir(folder):
        try:
            found.append(of(os.path.join(folder, name)))
        except FileNotFoundError:
            pass
    return found


def comm(task):
    with open(task + "/comm") as f:
        return f.read()


def held(t):
    """The disks and kernels that svc.zones has open, and its threads for storage."""
    process = "/proc/%d/" % t.svc.pid
    files = names(process + "fd", os.readlink)
    threads = names(process + "task", comm)
    return [f for f in files if f.startswith((t.path("disk"), t.path("kernel")))] + \
        [name for name in threads if name == "storage\n"]


def nothing_left(t):
    kz.wait_for(lambda: not held(t), "no disk is open, no thread is left")


@kz.test
def only_the_zone_that_wants_it_waits(t):
    path = image(t, "disk-a", MIB)
    configure(t, "a", device=[disk(path)])
    configure(t, "b", device=[disk(image(t, "disk-b", MIB))])
    hung_setup(t, "a", "b")
    hang(t, path)
    c = begin_boot(t, "a", path)
    call(t, "Boot", zone="b")
    t.wait_instance("b", "online")
    kz.has(t.run("zoneadm", "list", "-v").stdout, "b")
    waits = "waits for storage %s to answer" % path
    kz.eq(c.receive()["parameters"], {"progress": waits})
    a = t.instance("a")
    kz.eq((a["state"], a["next_state"], a["reason"]), ("offline", "online", waits))
    kz.eq(t.zone("a")["state"], "ready")
    out = t.run("svcs", "-x", "a").stdout
    kz.has(out, "Reason: W%s.\n" % waits[1:])
    kz.has(out, "give up with: zoneadm -z a halt")
    kz.wait_for(lambda: status(t, "a")["instance"]["reason"] == waits, "status.json says so")
    kz.eq(check_status(t)["zones"][0]["instance"]["auxiliary_state"], "waiting_for_storage")
    answer(t)
    kz.eq(c.receive().get("error"), None)
    t.wait_instance("a", "online")
    kz.eq(t.instance("a")["reason"], "")
    nothing_left(t)


@kz.test
def halt_does_not_wait_and_nothing_leaks(t):
    path = image(t, "disk-a", MIB)
    configure(t, "a", device=[disk(path)])
    hung_setup(t, "a")
    for _ in range(3):
        hang(t, path)
        c = begin_boot(t, "a", path)
        t.run("zoneadm", "-z", "a", "halt")
        kz.has(c.receive()["error"], "org.kzones.restarter")
        c.close()
        kz.eq((t.instance("a")["state"], t.zone("a")["state"]), ("disabled", "installed"))
        kz.eq(os.path.exists(t.path("run/zones/a/booted.json")), False)
        kz.eq(hanging(t), [path], "the call itself cannot be taken back")
        kz.eq(held(t), ["storage\n"])
        answer(t)
        nothing_left(t)
    call(t, "Boot", zone="a")
    t.wait_instance("a", "online")
    kz.eq([what for _, what in log(t)].count("create"), 1, "one boot came that far")


@kz.test
def next_boot_waits_for_the_one_that_hangs(t):
    path = image(t, "disk-a", MIB)
    configure(t, "a", device=[disk(path)])
    hung_setup(t, "a")
    hang(t, path)
    begin_boot(t, "a", path)
    call(t, "Halt", zone="a")
    call(t, "Enable", zone="a", temporary=True)
    waits = "waits for storage %s to answer" % path
    kz.wait_for(lambda: t.instance("a")["reason"] == waits, "it says so at once")
    kz.eq(hanging(t), [path], "no second call was begun")
    call(t, "Halt", zone="a")  # nor is one, when that is given up, too
    call(t, "Enable", zone="a", temporary=True)
    answer(t)
    t.wait_instance("a", "online")
    nothing_left(t)
    call(t, "Halt", zone="a")


@kz.test
def boot_fails_when_its_time_is_over(t):
    path = t.path("kernel-a")
    t.write("kernel-a", "a kernel")
    configure(t, "a", kernel=path)
    configure(t, "b")
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 1}}')
    hung_setup(t, "a", "b")
    hang(t, path)
    begin_boot(t, "a", path)
    call(t, "Enable", zone="b", temporary=True)  # there is one slot, and a has it
    t.wait_instance("a", "maintenance")
    kz.has(t.instance("a")["reason"], "boot failed: storage %s did not answer within 8 s" % path)
    kz.eq(t.zone("a")["state"], "unavailable")
    t.wait_instance("b", "online")
    answer(t)
    call(t, "Clear", zone="a")
    t.wait_instance("a", "online")
    nothing_left(t)


@kz.test
def clear_waits_for_what_is_unavailable_and_nobody_else_does(t):
    path = image(t, "disk-a", MIB)
    configure(t, "a", device=[disk(path)])
    hung_setup(t, "a", "b")
    os.rename(path, path + ".away")
    refused(t, "Failed", "Boot", zone="a")
    os.rename(path + ".away", path)
    hang(t, path)
    c = t.connect()
    c.send("Clear", {"zone": "a"})
    kz.wait_for(lambda: path in hanging(t), "it hangs")
    call(t, "Boot", zone="b")
    kz.has(refused(t, "Failed", "Clear", zone="a"), "waits for storage %s to answer" % path)
    text = "storage %s did not answer within 8 s" % path
    kz.has(c.receive()["parameters"]["message"], text)
    kz.eq((t.zone("a")["state"], t.instance("a")["reason"]), ("unavailable", text))
    kz.has(refused(t, "Failed", "Clear", zone="a"), "waits for storage %s to answer" % path)
    answer(t)
    kz.wait_for(lambda: "zone=a its storage has answered" in t.svc.output(), "it answers")
    kz.eq(t.zone("a")["state"], "unavailable")
    call(t, "Clear", zone="a")
    t.wait_instance("a", "online")
    nothing_left(t)


@kz.test
def svc_zones_starts_beside_what_is_unavailable(t):
    """More zones than are looked at at a time; what hangs keeps no place for longer than it may."""
    zones = ["a%02d" % i for i in range(12)]
    for zone in zones:
        configure(t, zone, device=[disk(image(t, "disk-" + zone, MIB))])
    hung_setup(t, "b", *zones)
    for zone in zones:
        call(t, "Mark", zone=zone, state="unavailable")
    hang(t, *(t.path("disk-" + zone) for zone in zones[:9]))
    t.svc_kill()
    start(t)
    call(t, "Boot", zone="b")
    for zone in zones[9:]:
        t.wait_instance(zone, "disabled")
    for zone in zones[:9]:
        kz.wait_for(lambda: "did not answer" in t.instance(zone)["reason"], zone)
        kz.eq(t.zone(zone)["state"], "unavailable")
    answer(t)
    nothing_left(t)


@kz.test
def many_that_hang_leave_room_for_others(t):
    zones = ["a%d" % i for i in range(9)]
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 0}}')
    for zone in zones:
        configure(t, zone, device=[disk(image(t, "disk-" + zone, MIB))])
    hung_setup(t, "b", *zones, **PATIENT)
    hang(t, t.path("disk-a"))
    for zone in zones:
        begin_boot(t, zone, t.path("disk-" + zone))
    call(t, "Boot", zone="b")
    t.wait_instance("b", "online")
    answer(t)
    for zone in zones:
        t.wait_instance(zone, "online")
    nothing_left(t)


@kz.test
def svc_zones_ends_while_storage_hangs(t):
    path = image(t, "disk-a", MIB)
    configure(t, "a", device=[disk(path)])
    hung_setup(t, "a", "b")
    hang(t, path)
    call(t, "Boot", zone="b")
    begin_boot(t, "a", path)
    kz.eq(t.svc_stop(), 0)
    kz.eq([z["instance"]["state"] for z in status(t)["zones"]], ["offline", "offline"])
    kz.eq(kz.wait_for(lambda: not hanging(t), "the call has ended with its process"), True)
    # A crash of svc.zones takes the call with it, too; the boot is begun anew.
    answer(t)
    start(t)
    hang(t, path)
    call(t, "Enable", zone="a", temporary=True)
    kz.wait_for(lambda: path in hanging(t), "it hangs")
    t.svc_kill()
    answer(t)
    start(t)
    t.wait_instance("a", "online")


@kz.test
def zone_is_uninstalled_while_its_storage_hangs(t):
    path = image(t, "disk-a", MIB)
    configure(t, "a", device=[disk(path)])
    hung_setup(t, "a")
    hang(t, path)
    begin_boot(t, "a", path)
    kz.has(refused(t, "BadState", "Begin", zone="a", operation="uninstall"), "not possible")
    call(t, "Halt", zone="a")
    c = t.connect()
    c.call("Begin", zone="a", operation="uninstall")
    c.call("End", zone="a", success=True)
    c.close()
    kz.eq(t.zone("a")["state"], "configured")
    install(t, "a")  # another zone of that name waits all the same
    call(t, "Enable", zone="a", temporary=True)
    kz.wait_for(lambda: "waits for storage" in t.instance("a")["reason"], "it waits")
    kz.eq(hanging(t), [path])
    answer(t)
    t.wait_instance("a", "online")
    nothing_left(t)


@kz.test
def late_descriptor_takes_no_lock(t):
    path, other = image(t, "disk-a", MIB), t.path("link")
    os.symlink(path, other)
    configure(t, "a", device=[disk(path)])
    configure(t, "b", device=[disk(other)])
    hung_setup(t, "a", "b")
    hang(t, path)
    begin_boot(t, "a", path)
    call(t, "Halt", zone="a")
    call(t, "Boot", zone="b")  # by another way the disk answers
    t.wait_instance("b", "online")
    answer(t)
    nothing_left(t)
    kz.has(refused(t, "Failed", "Boot", zone="a"), "in use by zone 'b'")
    call(t, "Halt", zone="b")
    call(t, "Clear", zone="a")
    t.wait_instance("a", "online")


@kz.test
def two_zones_that_boot_at_once_with_one_disk(t):
    path = image(t, "disk", MIB)
    for zone in ("a", "b"):
        configure(t, zone, device=[disk(path)])
    setup(t, "a", "b")
    for _ in range(5):
        waiting = [begin_boot(t, zone) for zone in ("a", "b")]
        errors = [c.receive().get("error") for c in waiting]
        kz.eq(sorted(e is None for e in errors), [False, True])
        winner, loser = ("a", "b") if errors[0] is None else ("b", "a")
        kz.has(t.instance(loser)["reason"], "device 0: %s: in use by zone '%s'" % (path, winner))
        call(t, "Halt", zone=winner)
        call(t, "Disable", zone=loser, temporary=True)
        call(t, "Clear", zone=loser)


@kz.test
def memory_is_promised_while_storage_hangs(t):
    with open("/proc/meminfo") as f:
        kib = next(int(line.split()[1]) for line in f if line.startswith("MemAvailable:"))
    path = image(t, "disk-a", MIB)
    memory = "%dM" % (kib * 2 // 3 // 1024)
    configure(t, "a", memory=memory, device=[disk(path)])
    configure(t, "b", memory=memory)
    hung_setup(t, "a", "b")
    hang(t, path)
    begin_boot(t, "a", path)
    kz.has(refused(t, "Failed", "Boot", zone="b"), "held by a ")
    call(t, "Halt", zone="a")
    call(t, "Clear", zone="b")
    t.wait_instance("b", "online")


kz.main()
