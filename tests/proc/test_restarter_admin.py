# SPDX-License-Identifier: BSD-2-Clause
"""The admin interface of svc.zones: life of a zone, rights, hostile clients."""

import grp
import json
import os
import random
import socket

import kz
from restarter import (as_nobody, call, check_status, configure, fake, install, now, refused,
                       setup, status, unavailable)


def raw(t):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(kz.DEADLINE)
    s.connect(t.path("run/zones/svc.zones.sock"))
    return s


def still_serves(t):
    kz.eq(call(t, "Zones")["zones"] is not None, True)


def ends(s):
    """The server has closed the connection (answers before that are skipped)."""
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@kz.test
def a_zone_from_configured_to_gone(t):
    fake(t)
    t.svc_start()
    kz.eq(call(t, "Zones")["zones"], [])
    configure(t, "db")
    call(t, "Refresh", zone="db")
    zone = t.zone("db")
    kz.eq((zone["state"], zone["uuid"], zone["id"]), ("configured", "", -1))
    kz.eq((zone["brand"], zone["ip_type"], zone["path"]), ("solaris-kz", "excl", "-"))
    kz.eq(call(t, "Instances")["instances"], [])
    kz.has(refused(t, "BadState", "Boot", zone="db"), "configured")
    kz.has(refused(t, "BadState", "Begin", zone="db", operation="uninstall"), "configured")
    uuid = install(t, "db")
    zone = t.zone("db")
    kz.eq((zone["state"], zone["uuid"]), ("installed", uuid))
    instance = t.instance("db")
    kz.eq((instance["state"], instance["fmri"], instance["next_state"]),
          ("disabled", "svc:/system/zones/zone:db", "none"))
    kz.has(refused(t, "BadState", "Begin", zone="db", operation="install"), "installed")
    brief = {"fmri": instance["fmri"], "state": "disabled",
             "state_time_ms": instance["state_time_ms"]}
    kz.eq(call(t, "Instances", brief=True, zone="db"), {"instances": [brief]})
    everything = call(t, "Instances")
    kz.eq((everything["instances"], everything["units"]), ([instance], {}))
    kz.eq((everything["restarter"]["fmri"], everything["restarter"]["contract"]),
          ("svc:/system/zones:default", t.svc.pid))
    call(t, "Boot", zone="db")
    brief = call(t, "Instances", brief=True)["instances"][0]
    instance = t.instance("db")
    kz.eq((brief["state"], brief["enabled"], brief["enabled_temporary"], brief["contract"]),
          ("online", True, True, instance["contract"]))
    kz.eq("next_state" in brief, False)
    kz.has(refused(t, "BadState", "Begin", zone="db", operation="uninstall"), "running")
    call(t, "Halt", zone="db")
    c = t.connect()
    c.call("Begin", zone="db", operation="uninstall")
    kz.eq(t.zone("db")["state"], "incomplete")
    kz.eq(call(t, "Instances")["instances"], [])
    c.call("End", zone="db", success=True)
    zone = t.zone("db")
    kz.eq((zone["state"], zone["uuid"]), ("configured", ""))
    check_status(t)
    os.unlink(t.path("etc/zones/db.json"))
    call(t, "Refresh", zone="db")
    kz.has(refused(t, "NoSuchZone", "Zones", zone="db"), "no such zone")


@kz.test
def a_zone_is_marked(t):
    setup(t, "db", "web")
    uuid = t.zone("db")["uuid"]
    kz.has(refused(t, "Failed", "Mark", zone="db", state="running"), "incomplete or unavailable")
    call(t, "Boot", zone="db")
    kz.has(refused(t, "BadState", "Mark", zone="db", state="unavailable"), "running")
    kz.eq(t.instance("db")["state"], "online")
    call(t, "Halt", zone="db")
    for _ in range(2):
        call(t, "Mark", zone="db", state="unavailable")
        kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("unavailable", uuid))
    instance = t.instance("db")
    kz.eq((instance["state"], instance["auxiliary_state"], instance["reason"]),
          ("maintenance", "storage_unavailable", "marked unavailable by an administrator"))
    kz.has(refused(t, "BadState", "Boot", zone="db"), "unavailable")
    check_status(t)
    for _ in range(2):
        call(t, "Mark", zone="db", state="incomplete")
        kz.eq(t.zone("db")["state"], "incomplete")
    kz.has(refused(t, "BadState", "Mark", zone="db", state="unavailable"), "incomplete")
    call(t, "Mark", zone="web", state="incomplete")
    kz.eq(call(t, "Instances")["instances"], [])
    c = t.connect()
    c.call("Begin", zone="db", operation="uninstall")
    kz.has(refused(t, "Failed", "Mark", zone="db", state="incomplete"), "another operation")
    c.call("End", zone="db", success=True)
    c.close()
    kz.has(refused(t, "BadState", "Mark", zone="db", state="incomplete"), "configured")
    install(t, "db")
    kz.eq(t.instance("db")["state"], "disabled")


def stays_unavailable(t, zone, why):
    """What svc.zones says after it has looked."""
    kz.wait_for(lambda: "zone=%s stays unavailable: %s" % (zone, why) in t.svc.output(), "a look")


@kz.test
def an_unavailable_zone_has_ways_back(t):
    """At the start of svc.zones by itself when its storage is there; by attach at any time."""
    configure(t, "db", device=[{"id": 0, "storage": "file:" + t.path("disk")}])
    t.write("disk", "\0" * 4096)
    setup(t, "db")
    uuid = t.zone("db")["uuid"]
    call(t, "Mark", zone="db", state="unavailable")
    os.unlink(t.path("disk"))
    t.svc_kill()
    t.svc_start()
    stays_unavailable(t, "db", "device 0: %s: No such file" % t.path("disk"))
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("unavailable", uuid))
    r = t.run("zoneadm", "-z", "db", "attach", status=1)
    kz.has(r.stderr, "zoneadm: zone 'db': attach failed: device 0: %s: No such file"
           % t.path("disk"))
    kz.eq(t.zone("db")["state"], "unavailable")
    t.write("disk", "\0" * 4096)
    t.run("zoneadm", "-z", "db", "attach")
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("installed", uuid))
    kz.eq(t.instance("db")["state"], "disabled")
    kz.has(t.run("zoneadm", "-z", "db", "attach", status=1).stderr, "is already installed.")
    call(t, "Mark", zone="db", state="unavailable")
    t.svc_kill()
    t.svc_start()
    t.wait_instance("db", "disabled")
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("installed", uuid))
    kz.has(t.read("var/log/zones/messages.db"), "unavailable -> installed")
    # what was found is remembered, not found again
    call(t, "Boot", zone="db")
    kz.eq(t.json("var/lib/zones/state.json")["zones"]["db"]["state"], "installed")


@kz.test
def an_unavailable_zone_with_autoboot_comes_up_when_it_is_attached(t):
    """By hand, and by a svc.zones that starts while the host stays up."""
    configure(t, "db", autoboot=True, device=[{"id": 0, "storage": "file:" + t.path("disk")}])
    t.write("disk", "\0" * 4096)
    setup(t, "db")
    kz.eq(t.instance("db")["state"], "disabled")
    call(t, "Mark", zone="db", state="unavailable")
    t.run("zoneadm", "-z", "db", "attach")
    t.wait_instance("db", "online")
    kz.eq(t.instance("db")["enabled_temporary"], False)
    call(t, "Halt", zone="db")
    call(t, "Mark", zone="db", state="unavailable")
    t.svc_kill()
    t.svc_start()
    t.wait_instance("db", "online")
    # Detached it is new when it comes back, as one that is installed.
    call(t, "Halt", zone="db")
    t.run("zoneadm", "-z", "db", "detach")
    t.run("zoneadm", "-z", "db", "attach")
    kz.eq(t.instance("db")["state"], "disabled")


def zone_with_disk(t, zone, **properties):
    configure(t, zone, device=[{"id": 0, "storage": "file:" + t.path("disk." + zone)}], **properties)


def state_of(t, zone):
    return t.zone(zone)["state"], t.instance(zone)["state"], t.instance(zone)["enabled"]


@kz.test
def a_zone_whose_boot_finds_no_storage_stays_unavailable(t):
    """Until it is attached: by a new svc.zones, too, when the storage has come back."""
    zone_with_disk(t, "auto", autoboot=True)
    zone_with_disk(t, "asked")
    setup(t, "auto", "asked", "web")
    for zone in ("auto", "asked"):
        unavailable(t, zone, "boot failed: device 0: %s: does not exist" % t.path("disk." + zone))
    saved = t.json("var/lib/zones/state.json")["zones"]["auto"]
    kz.eq((saved["state"], saved["instance"]), ("unavailable", "maintenance"))
    kz.wait_for(lambda: status(t, "auto")["state"] == "unavailable", "status.json says so")
    check_status(t)
    t.svc_kill()
    t.svc_start()
    for zone in ("auto", "asked"):
        stays_unavailable(t, zone, "device 0: ")
        kz.eq(state_of(t, zone), ("unavailable", "maintenance", True))
        kz.has(t.instance(zone)["reason"], "disk.%s: No such file" % zone)
        kz.has(refused(t, "BadState", "Boot", zone=zone), "zoneadm attach")
        t.write("disk." + zone, "\0" * 4096)
    t.svc_kill()
    t.svc_start()
    t.wait_instance("auto", "online")
    t.wait_instance("asked", "disabled")
    kz.eq(state_of(t, "asked"), ("installed", "disabled", False))
    kz.has(t.read("var/log/zones/messages.asked"), "unavailable -> installed")


@kz.test
def a_boot_of_the_host_tries_what_is_to_boot(t):
    """The storage may come with what the zone depends on: only the boot can tell."""
    zone_with_disk(t, "auto", autoboot=True, depends=["store"])
    zone_with_disk(t, "asked")
    configure(t, "store", autoboot=True, goals="port")
    setup(t, "store", "auto", "asked")
    call(t, "Boot", zone="store")
    now(t, "store", "goals")
    t.wait_instance("store", "online")
    for zone in ("auto", "asked"):
        unavailable(t, zone, "boot failed: device 0: ")
    call(t, "Halt", zone="store")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="another")
    kz.eq(state_of(t, "auto"), ("installed", "offline", True))
    kz.eq(state_of(t, "asked"), ("unavailable", "maintenance", False))
    t.write("disk.auto", "\0" * 4096)
    kz.wait_for(lambda: t.zone("store")["state"] == "running", "it runs")
    now(t, "store", "goals")
    t.wait_instance("auto", "online")
    os.unlink(t.path("disk.auto"))
    call(t, "Halt", zone="auto")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="a third")
    t.wait_instance("auto", "maintenance")
    kz.eq(t.zone("auto")["state"], "unavailable")


@kz.test
def an_unavailable_zone_is_detached_and_uninstalled(t):
    zone_with_disk(t, "db")
    zone_with_disk(t, "web")
    setup(t, "db", "web")
    for zone in ("db", "web"):
        unavailable(t, zone, "does not exist")
    t.run("zoneadm", "-z", "db", "detach")
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("configured", ""))
    t.run("zoneadm", "-z", "web", "uninstall", "-F")
    kz.eq((t.zone("web")["state"], t.zone("web")["uuid"]), ("configured", ""))
    kz.eq(call(t, "Instances")["instances"], [])


@kz.test
def a_record_of_an_unavailable_zone_without_an_instance(t):
    """As it was written when such zones had none."""
    zone_with_disk(t, "db")
    setup(t, "db")
    t.svc_kill()
    state = t.json("var/lib/zones/state.json")
    del state["check"]
    state["zones"]["db"] = {"state": "unavailable", "uuid": state["zones"]["db"]["uuid"]}
    t.write("var/lib/zones/state.json", json.dumps(state))
    t.svc_start()
    stays_unavailable(t, "db", "device 0: %s: No such file" % t.path("disk.db"))
    kz.eq(state_of(t, "db"), ("unavailable", "maintenance", False))
    kz.has(t.instance("db")["reason"], "disk.db: No such file")
    t.write("disk.db", "\0" * 4096)
    t.run("svcadm", "clear", "db")
    kz.eq(state_of(t, "db"), ("installed", "disabled", False))


@kz.test
def an_unavailable_zone_comes_up_with_the_host(t):
    configure(t, "db", autoboot=True)
    setup(t, "db")
    call(t, "Mark", zone="db", state="unavailable")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="another")
    t.wait_instance("db", "online")


@kz.test
def a_zone_is_detached_and_attached(t):
    setup(t, "db")
    uuid = t.zone("db")["uuid"]
    call(t, "Boot", zone="db")
    kz.has(t.run("zoneadm", "-z", "db", "detach", status=1).stderr,
           "detach operation is invalid for running zones.")
    kz.eq(t.zone("db")["state"], "running")
    call(t, "Halt", zone="db")
    c = t.connect()
    c.call("Begin", zone="db", operation="detach")
    call(t, "Boot", zone="db")
    try:
        c.call("End", zone="db", success=True)
    except kz.VarlinkError as e:
        kz.eq(e.parameters["state"], "running")
    else:
        raise AssertionError("a zone that runs was detached")
    call(t, "Halt", zone="db")
    c.call("End", zone="db", success=False)
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("installed", uuid))
    t.run("zoneadm", "-z", "db", "detach")
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("configured", ""))
    kz.eq(call(t, "Instances")["instances"], [])
    check_status(t)
    t.svc_kill()
    t.svc_start()
    kz.eq(t.zone("db")["state"], "configured")
    kz.has(t.run("zoneadm", "-z", "db", "detach", status=1).stderr,
           "must be installed before detach.")
    c = t.connect()
    c.call("Begin", zone="db", operation="attach")
    c.close()
    kz.wait_for(lambda: "abandoned: the zone stays configured" in t.svc.output(), "the loss")
    kz.eq((t.zone("db")["state"], t.zone("db")["uuid"]), ("configured", ""))
    t.run("zoneadm", "-z", "db", "attach")
    kz.eq(t.zone("db")["state"], "installed")
    kz.eq(t.zone("db")["uuid"] not in ("", uuid), True)
    call(t, "Boot", zone="db")


@kz.test
def a_lost_connection_leaves_incomplete(t):
    fake(t)
    configure(t, "db")
    t.svc_start()
    c = t.connect()
    c.call("Begin", zone="db", operation="install")
    kz.has(refused(t, "Failed", "Begin", zone="db", operation="uninstall"), "another")
    kz.has(refused(t, "BadState", "End", zone="db", success=True), "End without Begin")
    c.close()
    kz.wait_for(lambda: "abandoned" in t.svc.output(), "the loss is seen")
    kz.eq(t.zone("db")["state"], "incomplete")
    t.svc_kill()
    t.svc_start()
    kz.eq(t.zone("db")["state"], "incomplete")
    c = t.connect()
    c.call("Begin", zone="db", operation="uninstall")
    c.call("End", zone="db", success=True)
    kz.eq(t.zone("db")["state"], "configured")


@kz.test
def a_failed_end_leaves_incomplete(t):
    fake(t)
    configure(t, "db")
    t.svc_start()
    c = t.connect()
    c.call("Begin", zone="db", operation="install")
    c.call("End", zone="db", success=False)
    kz.eq(t.zone("db")["state"], "incomplete")
    kz.has(refused(t, "BadState", "Begin", zone="db", operation="install"), "incomplete")
    kz.has(refused(t, "Failed", "Begin", zone="db", operation="dance"), "install, uninstall")


@kz.test
def the_service_describes_itself(t):
    t.svc_start()
    c = t.connect()
    info = c.call("org.varlink.service.GetInfo")
    kz.has(info["interfaces"], kz.IFACE)
    kz.has(c.call("org.varlink.service.GetInterfaceDescription",
                  interface=kz.IFACE)["description"], "method Boot")


@kz.test
def clients_that_send_garbage(t):
    setup(t, "db")
    rng = random.Random(int(os.environ.get("KZ_SEED", "1")))
    for data in (b"\0", b"{\0", b"[]\0", b"nonsense\0", b'{"method": 5}\0',
                 b'{"method": "x", "what": 1}\0', b"\xff\xfe\0", b'{"parameters": {}}\0',
                 b"x" * 300000):
        s = raw(t)
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        kz.eq(ends(s), True, data[:40])
    for _ in range(200):
        s = raw(t)
        s.sendall(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 200))) + b"\0")
        s.close()
    still_serves(t)


@kz.test
def bad_calls_are_answered(t):
    setup(t, "db")
    c = t.connect()
    for method, parameters, error in (
            ("Nonsense", {}, "MethodNotFound"), ("Boot", {}, "InvalidParameter"),
            ("Boot", {"zone": 1}, "InvalidParameter"),
            ("Boot", {"zone": "db", "x": 1}, "InvalidParameter"),
            ("Boot", {"zone": "../db"}, "NoSuchZone"), ("Boot", {"zone": ""}, "NoSuchZone"),
            ("Boot", {"zone": "x" * 10000}, "NoSuchZone"),
            ("Boot", {"zone": "db", "args": "x" * 2000}, "Failed")):
        try:
            c.call(method, **parameters)
        except kz.VarlinkError as e:
            kz.eq(e.name.rsplit(".", 1)[1], error, method)
            continue
        raise AssertionError("%s %r was accepted" % (method, parameters))


@kz.test
def calls_ahead_of_answers_are_served_in_order(t):
    setup(t, "db")
    s = raw(t)
    calls = [("Boot", {"zone": "db"}), ("Zones", {"zone": "db"}), ("Halt", {"zone": "db"}),
             ("Zones", {"zone": "db"})]
    for method, parameters in calls:
        message = {"method": kz.IFACE + "." + method, "parameters": parameters}
        s.sendall(json.dumps(message).encode() + b"\0")
    data = b""
    while data.count(b"\0") < 4:
        data += s.recv(65536)
    answers = [json.loads(part) for part in data.split(b"\0")[:4]]
    kz.eq(answers[1]["parameters"]["zones"][0]["state"], "running")
    kz.eq(answers[3]["parameters"]["zones"][0]["state"], "installed")


@kz.test
def a_slow_reader_is_dropped(t):
    for i in range(300):
        configure(t, "zone-with-quite-a-long-name-%03d" % i)
    t.svc_start()
    s = raw(t)
    call_text = json.dumps({"method": kz.IFACE + ".Status"}).encode() + b"\0"
    s.settimeout(0.5)
    dropped = False
    for _ in range(10000):
        try:
            s.sendall(call_text)
        except (BrokenPipeError, ConnectionResetError):
            dropped = True
            break
        except socket.timeout:
            continue
    kz.eq(dropped, True)
    still_serves(t)


@kz.test
def too_many_clients(t):
    t.svc_start()
    clients = [raw(t) for _ in range(256)]
    extra = raw(t)
    kz.eq(ends(extra), True)
    for s in clients:
        s.close()
    kz.wait_for(lambda: still_serves(t) or True, "room again")


@kz.test
def others_may_read_but_not_manage(t):
    setup(t, "db")

    def try_both():
        kz.eq(call(t, "Zones", zone="db")["zones"][0]["name"], "db")
        try:
            call(t, "Boot", zone="db")
        except kz.VarlinkError as e:
            return e.name + " " + e.parameters["right"]
        return "?"

    answer, finish = as_nobody(try_both)
    finish()
    kz.eq(answer, kz.IFACE + ".Denied manage")
    kz.eq(t.zone("db")["state"], "installed")


def tried(t, *calls):
    """What nobody is told of each call (method, parameters), one line each."""
    def try_all():
        told = []
        for method, parameters in calls:
            try:
                call(t, method, **parameters)
                told.append("done")
            except kz.VarlinkError as e:
                told.append(e.name.rsplit(".", 1)[1] + " " + e.parameters.get("right", ""))
        return "\n".join(told)

    answer, finish = as_nobody(try_all)
    finish()
    return answer.split("\n")


@kz.test
def a_zone_is_delegated(t):
    """The admin resource gives a user this zone, and nothing else."""
    configure(t, "db", admin=[{"user": "nobody", "auths": "login,manage"},
                              {"user": "no-such-user", "auths": "manage"}])
    configure(t, "web", admin=[{"user": "nobody", "auths": "login,clonefrom"}])
    setup(t, "db", "web", "app")
    kz.has(t.svc.output(), "zone=db admin: user no-such-user does not exist")
    db = {"zone": "db"}
    kz.eq(tried(t, ("Boot", db), ("Shutdown", db), ("Enable", dict(db, temporary=True)),
                ("Reboot", db), ("Halt", db), ("MarkInstance", dict(db, state="maintenance")),
                ("Clear", db), ("Disable", dict(db, temporary=True))), ["done"] * 8)
    # not for good, not what is zoneadm's, not the restarter, not another zone
    kz.eq(tried(t, ("Enable", db), ("Disable", dict(db, temporary=False))),
          ["Denied config"] * 2)
    kz.eq(tried(t, ("Begin", dict(db, operation="uninstall")),
                ("Mark", dict(db, state="incomplete")), ("Refresh", db), ("Refresh", {}),
                ("SetProperty", {"name": "config/x", "value": "1"}),
                ("Boot", {"zone": "web"}), ("Boot", {"zone": "app"}),
                ("Boot", {"zone": "no-such-zone"})), ["Denied manage"] * 8)
    kz.eq([t.zone(z)["state"] for z in ("db", "web", "app")], ["installed"] * 3)
    # what is taken away or given counts from the refresh on
    configure(t, "db", admin=[{"user": "nobody", "auths": "manage,config"}])
    call(t, "Refresh", zone="db")
    kz.eq(tried(t, ("Enable", db)), ["done"])
    kz.eq(t.json("etc/zones/db.json")["autoboot"], True)
    t.write("etc/zones/db.json", "nonsense")
    call(t, "Refresh", zone="db")
    kz.eq(tried(t, ("Halt", db)), ["Denied manage"])


def consoles_for_nobody(t, *zones):
    """What nobody gets who connects to the zones' consoles."""
    def connect_all():
        told = []
        for zone in zones:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(t.path("run/zones/%s/console.sock" % zone))
                told.append("connected")
            except OSError as e:
                told.append(e.strerror)
            s.close()
        return ", ".join(told)

    answer, finish = as_nobody(connect_all)
    finish()
    return answer


@kz.test
def a_delegated_console(t):
    configure(t, "db", admin=[{"user": "nobody", "auths": "manage"}])
    setup(t, "db", "web")
    if "no access for the users of admin" in t.svc.output():
        raise kz.Skip("no access lists on this file system")
    kz.eq(consoles_for_nobody(t, "db", "web"), "connected, Permission denied")
    # what is taken away while svc.zones is away is away when it is back
    call(t, "Boot", zone="db")
    t.svc_kill()
    configure(t, "db")
    t.svc_start()
    kz.eq(t.zone("db")["state"], "running")
    kz.eq(consoles_for_nobody(t, "db", "web"), "Permission denied, Permission denied")
    configure(t, "db", admin=[{"user": "nobody", "auths": "manage"}])
    call(t, "Refresh", zone="db")
    # nobody is kept away; but the fake kzhost, whose console it is now, does not listen
    kz.eq(consoles_for_nobody(t, "db"), "Connection refused")


@kz.test
def the_group_may_manage_and_has_all_consoles(t):
    kz.need_root()
    try:
        group = grp.getgrgid(65534).gr_name
    except KeyError:
        raise kz.Skip("no group for nobody")
    configure(t, "db", admin=[{"user": "root", "auths": "login"}])
    setup(t, "db", "web", KZONES_GROUP=group)
    kz.eq(tried(t, ("Boot", {"zone": "db"}), ("Enable", {"zone": "web"})), ["done"] * 2)
    kz.eq(consoles_for_nobody(t, "db", "web"), "connected, connected")
    t.svc_kill()
    t.svc_start(KZONES_GROUP="no-such-group")
    kz.eq(tried(t, ("Halt", {"zone": "db"})), ["Denied manage"])
    kz.eq(consoles_for_nobody(t, "db", "web"), "Permission denied, Permission denied")


@kz.test
def others_cannot_keep_operators_out(t):
    t.svc_start()
    kept = []

    def fill():
        while len(kept) < 300:
            kept.append(raw(t))
            try:
                kept[-1].sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
                if not kept[-1].recv(1):
                    return "full"
            except (BrokenPipeError, ConnectionResetError):
                return "full"
        return "never full"

    answer, finish = as_nobody(fill)
    kz.eq(answer, "full")
    still_serves(t)
    finish()


@kz.test
def what_waits_behind_an_answer_may_remove_a_zone(t):
    """Halting a changes b's reason in the same commit whose answer lets b be removed."""
    configure(t, "b", depends=("a", "c"))
    setup(t, "a", "b", "c")
    call(t, "Boot", zone="a")
    waiting = t.connect()
    waiting.send("Boot", {"zone": "b"}, more=True)
    kz.has(waiting.receive()["parameters"]["progress"], "zone:c")
    os.unlink(t.path("etc/zones/b.json"))
    c = t.connect()
    calls = (("Halt", {"zone": "a"}), ("Begin", {"zone": "b", "operation": "uninstall"}),
             ("End", {"zone": "b", "success": True}), ("Refresh", {"zone": "b"}))
    c.send_raw(b"".join(json.dumps({"method": kz.IFACE + "." + method, "parameters": p})
                        .encode() + b"\0" for method, p in calls))
    for _ in calls:
        kz.eq(c.receive(), {"parameters": {}})
    kz.eq([z["name"] for z in call(t, "Zones")["zones"]], ["a", "c"])
    kz.eq(t.svc_stop(), 0)


kz.main()
