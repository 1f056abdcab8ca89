# SPDX-License-Identifier: BSD-2-Clause
"""The whole way: two zones with the built-in guest, from zonecfg to their consoles."""

import os
import re
import signal
import socket

import kz
from loopdev import Loop


class Console:
    """A client of a zone's console."""

    def __init__(self, t, zone):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(kz.DEADLINE)
        self.sock.connect(t.path("run/zones", zone, "console.sock"))
        self.text = ""

    def read_until(self, part):
        """Everything up to the end of a text, which is taken."""
        while part not in self.text:
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError("console closed before %r: %r" % (part, self.text))
            self.text += data.decode(errors="replace")
        end = self.text.index(part) + len(part)
        taken, self.text = self.text[:end], self.text[end:]
        return taken

    def send(self, text):
        self.sock.sendall(text.encode())


def two_zones(t):
    """db, and web that depends on it, configured and installed by the operators' programs."""
    kz.need_kvm()
    t.svc_start()
    kernel = kz.find_program("guest.elf")
    for zone, more in (("db", ""),
                       ("web", "add smf-dependency; set fmri=svc:/system/zones/zone:db; end;")):
        t.run("zonecfg", "-z", zone,
              "create -b; add capped-memory; set physical=64M; end; add virtual-cpu; "
              "set ncpus=1; end; add direct-boot; set kernel=%s; end; %s commit"
              % (kernel, more))
        t.run("zoneadm", "-z", zone, "install")


def boot_both(t):
    t.run("zoneadm", "-z", "db", "boot")
    t.run("zoneadm", "-z", "web", "boot")
    for zone in ("db", "web"):
        t.wait_instance(zone, "online")
        t.wait_text("var/log/zones/console." + zone, "kzones guest: zone " + zone)


def boot_times(t, zone):
    zones = t.json("run/zones/status.json")["zones"]
    return next(z for z in zones if z["name"] == zone)["boot"]


@kz.test
def two_zones_boot_in_order_and_shut_down(t):
    two_zones(t)
    console = Console(t, "db")  # before it boots
    boot_both(t)
    console.read_until("kzones guest: zone db")
    kz.wait_for(lambda: (boot_times(t, "web") or {}).get("online"), "the status of web")
    db, web = boot_times(t, "db"), boot_times(t, "web")
    kz.eq(db["online"] <= web["started"], True, (db, web))
    out = t.run("zoneadm", "list", "-cv").stdout
    kz.eq([line.split()[1:3] for line in out.splitlines()[2:]],
          [["db", "running"], ["web", "running"]])
    kz.eq(t.run("svcs", "zone:*").stdout.count("online"), 2)
    for zone in ("web", "db"):
        t.run("zoneadm", "-z", zone, "shutdown")
        kz.eq(t.zone(zone)["state"], "installed")
    kz.eq(t.svc_stop(), 0)
    kz.eq(kz.children(), [])


def devices(t, zone):
    zones = t.json("run/zones/status.json")["zones"]
    return next(z for z in zones if z["name"] == zone)["devices"] or {}


def disk_zone(t, devices_text):
    kz.need_kvm()
    t.svc_start()
    t.run("zonecfg", "-z", "db",
          "create -b; add capped-memory; set physical=64M; end; add virtual-cpu; set ncpus=1; "
          "end; add direct-boot; set kernel=%s; end; %s commit"
          % (kz.find_program("guest.elf"), devices_text))
    t.run("zoneadm", "-z", "db", "install", "-x", "install-size=64m")
    t.run("zoneadm", "-z", "db", "boot")
    console = Console(t, "db")
    console.read_until("db> ")
    return console


def told(console, command, *parts):
    """Gives the guest a command; its answer, which has all parts."""
    console.send(command + "\r")
    answer = console.read_until("\ndb> ")
    for part in parts:
        kz.has(answer, part)


@kz.test
def a_zone_keeps_what_it_wrote_on_its_disks(t):
    second = t.path("second")
    with open(second, "wb") as f:
        f.truncate((8 << 20) + 100)
    console = disk_zone(t, "add device; set id=0; set bootpri=0; end; add device; set id=3; "
                        "set storage=file:%s; end;" % second)
    # The first is 64 MiB less the megabyte of a bootable disk; 100 bytes are no sector.
    told(console, "disk list", "slot 3, %d sectors" % (63 << 11), "slot 6, %d sectors" % (8 << 11))
    told(console, "disk write 0 100 64 7; disk write 1 0 16 9; disk flush 0", "64 sectors, ok")
    kz.wait_for(lambda: devices(t, "db").get("disks") == 2, "the status of the disks")
    kz.eq(devices(t, "db")["disk_errors"], 0)
    t.run("zoneadm", "-z", "db", "reboot")
    console = Console(t, "db")
    console.read_until("ready")
    console.read_until("\ndb> ")
    told(console, "disk verify 0 100 64 7", "0 bad")
    t.svc_kill()
    t.svc_start()
    t.wait_instance("db", "online")
    told(console, "disk verify 1 0 16 9", "0 bad")
    t.run("zoneadm", "-z", "db", "halt")


@kz.test
def a_disk_that_goes_or_shrinks_under_the_guest_hurts_nobody_else(t):
    paths = [t.path("gone"), t.path("short")]
    for path in paths:
        with open(path, "wb") as f:
            f.truncate(8 << 20)
    console = disk_zone(t, "".join("add device; set id=%d; set storage=file:%s; end; " % d
                                   for d in enumerate(paths)))
    told(console, "disk write 0 0 16 3; disk write 1 0 16 3", "16 sectors, ok")
    os.unlink(paths[0])
    os.truncate(paths[1], 4096)
    told(console, "disk verify 0 0 16 3", "0 bad")  # it has it still
    told(console, "disk verify 1 0 8 3", "0 bad")
    told(console, "disk read 1 8 8", "error")
    told(console, "disk write 1 100 8 5; disk zero 1 200 8", "error")  # it does not grow again
    told(console, "disk verify 1 0 8 3", "0 bad")
    kz.wait_for(lambda: devices(t, "db").get("disk_errors"), "the error in the status")
    messages = t.read("var/log/zones/messages.db")
    kz.eq(bool(re.search(r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ kzhost: zone=db dev=vblk1 "
                         r"read of 4096 bytes at byte 4096: the backing was shrunk to 4096 of "
                         r"8388608 bytes: ", messages, re.M)), True, messages)
    kz.eq(os.path.getsize(paths[1]), 4096)
    t.run("zoneadm", "-z", "db", "halt")


@kz.test
def a_block_device_is_free_when_its_zone_has_ended(t):
    """Not when the kernel has taken apart the rings that it was used with."""
    with open(t.path("disk"), "wb") as f:
        f.truncate(8 << 20)
    with Loop(t.path("disk")) as loop:
        console = disk_zone(t, "add device; set id=0; set storage=dev:%s; end;" % loop.name)
        told(console, "disk write 0 0 1000 7; disk zero 0 100 8; disk flush 0", "disk flush: ok")
        for _ in range(5):
            t.run("zoneadm", "-z", "db", "reboot")
            console = Console(t, "db")
            console.read_until("ready")
            console.read_until("\ndb> ")
            told(console, "disk verify 0 0 100 7", "0 bad")
            told(console, "disk verify 0 108 892 7", "0 bad")
        t.run("zoneadm", "-z", "db", "halt")


@kz.test
def sectors_smaller_than_the_backings_blocks(t):
    """They go through the page cache, beside whole blocks that do not."""
    with open(t.path("disk"), "wb") as f:
        f.truncate(8 << 20)
    with Loop(t.path("disk"), "-b", "4096") as loop:
        console = disk_zone(t, "add device; set id=0; set storage=dev:%s; end;" % loop.name)
        for first, count in ((0, 64), (3, 1), (7, 9), (16, 8), (5, 100), (1000, 3)):
            told(console, "disk write 0 %d %d 7" % (first, count), "ok")
        told(console, "disk flush 0", "disk flush: ok")
        told(console, "disk verify 0 0 105 7", "0 bad")
        told(console, "disk verify 0 1000 3 7", "0 bad")
        told(console, "disk zero 0 8 8", "disk zero: ok")
        told(console, "disk zero 0 17 3", "disk zero: unsupported")
        told(console, "disk verify 0 16 89 7", "0 bad")
        kz.eq(devices(t, "db")["disk_errors"], 0)
        t.run("zoneadm", "-z", "db", "halt")


@kz.test
def a_read_only_disk_stays_as_it_is(t):
    path = t.path("cd")
    with open(path, "wb") as f:
        f.write(bytes(range(256)) * 4096)
    os.chmod(path, 0o444)
    console = disk_zone(t, "add device; set id=0; set storage=file:%s; end;" % path)
    told(console, "disk info 0", "2048 sectors", "read-only")
    told(console, "disk write 0 0 8 3", "error")
    told(console, "disk read 0 0 2048", "2048 sectors, checksum")
    t.run("zoneadm", "-z", "db", "halt")
    with open(path, "rb") as f:
        kz.eq(f.read() == bytes(range(256)) * 4096, True, "the disk's content")


@kz.test
def misdeeds_of_a_driver_are_counted_in_the_status(t):
    console = disk_zone(t, "add device; set id=0; end; add device; set id=1; end;")
    pid = t.instance("db")["contract"]
    told(console, "evil loop 0", "needs-reset other ok recovery ok: ok")
    kz.wait_for(lambda: devices(t, "db").get("guest_errors"), "the guest's error in the status")
    kz.has(t.read("var/log/zones/messages.db"), "a chain is longer than its table")
    # Resets without end, interrupts that nobody takes, more than there is in one request.
    for misdeed in ("reset-loop", "reset-flight", "vectors-masked", "four-gib", "len-huge"):
        told(console, "evil %s 0" % misdeed, "other ok recovery ok: ok")
    kz.eq((t.instance("db")["state"], t.instance("db")["contract"]), ("online", pid))
    kz.eq(devices(t, "db")["disk_errors"], 0)
    t.run("zoneadm", "-z", "db", "halt")


def fill_log(t, zone, left):
    """The zone's console log has room for so many bytes until it is full."""
    t.write("var/log/zones/console." + zone, "." * (1024 * 1024 - left))


@kz.test
def a_console_log_that_is_full_is_rotated_under_a_running_guest(t):
    two_zones(t)
    fill_log(t, "db", 40)  # the greeting has more
    t.run("zoneadm", "-z", "db", "boot")
    console = Console(t, "db")
    console.read_until("kzones guest: zone db")
    kz.wait_for(lambda: os.path.exists(t.path("var/log/zones/console.db.0")), "rotation")
    pid = t.instance("db")["contract"]

    def written_to_the_new_one():
        console.send("echo new\r")
        console.read_until("\nnew")
        return "\nnew" in t.read("var/log/zones/console.db")

    kz.wait_for(written_to_the_new_one, "a new log")
    kz.eq(t.instance("db")["contract"], pid)
    # And one that became full while nobody was there to hear it.
    fill_log(t, "web", 20000)
    t.run("zoneadm", "-z", "web", "boot")
    web = Console(t, "web")
    web.read_until("kzones guest: zone web")
    t.svc_kill()
    line = "x" * 200
    for _ in range(60):
        web.send("echo %s\r" % line)
        web.read_until("\n" + line)
    kz.eq(os.path.exists(t.path("var/log/zones/console.web.0")), False)
    t.svc_start()
    kz.wait_for(lambda: os.path.exists(t.path("var/log/zones/console.web.0")), "rotation")
    kz.eq(t.svc_stop(), 0)


@kz.test
def a_guest_says_on_a_port_that_it_is_up(t):
    two_zones(t)
    t.run("zonecfg", "-z", "db", "set goals=port; commit")
    for zone in ("web", "db"):
        t.run("svcadm", "enable", "-t", "svc:/system/zones/zone:" + zone)
    console = Console(t, "db")
    console.read_until("> ")
    i = t.instance("db")
    kz.eq((i["state"], i["next_state"]), ("offline", "online"))
    kz.has(i["reason"], "waiting for the guest to reach its goals")
    kz.eq(t.instance("web")["state"], "offline")
    console.send("con write org.kzones.goals x\r")
    t.wait_instance("web", "online")  # it depends on db
    kz.eq(t.instance("db")["state"], "online")
    # The agent is the other zone's way; a restarter that comes later hears of it.
    t.run("zoneadm", "-z", "web", "halt")
    t.run("zonecfg", "-z", "web", "set goals=agent; commit")
    t.run("svcadm", "enable", "-t", "svc:/system/zones/zone:web")
    web = Console(t, "web")
    web.read_until("> ")
    web.send("con read org.qemu.guest_agent.0 60000\r")
    web.read_until('"arguments":{"id":')
    ident = web.read_until("}}")[:-2]
    t.svc_kill()
    web.send('con write org.qemu.guest_agent.0 \\377{"return": %s}\r' % ident)
    t.wait_text("var/log/zones/messages.web", "goals reached: the guest agent answers")
    t.svc_start()
    t.wait_instance("web", "online")
    kz.eq(t.svc_stop(), 0)


@kz.test
def host_boot_boots_them_and_host_stop_ends_them(t):
    two_zones(t)
    for zone in ("db", "web"):
        t.run("zonecfg", "-z", zone, "set autoboot=true; commit")
    kz.eq(t.svc_stop(), 0)
    t.svc_start()
    t.wait_instance("web", "online")
    t.wait_text("var/log/zones/console.web", "kzones guest: zone web")
    kz.eq(t.svc_stop(), 0)
    messages = t.read("var/log/zones/messages.web") + t.read("var/log/zones/messages.db")
    kz.eq("killed" in messages, False, messages)
    kz.eq(kz.children(), [])


@kz.test
def a_killed_restarter_adopts_them_with_the_same_consoles(t):
    two_zones(t)
    boot_both(t)
    pids = [t.instance(z)["contract"] for z in ("db", "web")]
    consoles = {z: Console(t, z) for z in ("db", "web")}
    for zone, console in consoles.items():
        console.read_until("kzones guest: zone " + zone)
    t.svc_kill()
    for zone, console in consoles.items():
        console.send("echo still %s\r" % zone)
        console.read_until("\nstill " + zone)
    t.svc_start()
    kz.eq([t.instance(z)["contract"] for z in ("db", "web")], pids)
    kz.eq([t.instance(z)["state"] for z in ("db", "web")], ["online", "online"])
    for zone, console in consoles.items():
        console.send("echo again %s\r" % zone)
        console.read_until("\nagain " + zone)
        log = t.read("var/log/zones/console." + zone)
        kz.eq(log.count("kzones guest: zone"), 1, "no second boot")
    consoles["db"].sock.close()

    def another_client():  # refused as long as the one before is there
        again = Console(t, "db")
        again.read_until("kzones guest: zone db")
        again.send("echo new\r")
        return again.read_until("\nnew")

    kz.wait_for(another_client, "the socket's path still leads to the console")
    kz.eq(t.svc_stop(), 0)
    kz.eq(kz.children(), [])


@kz.test
def the_guest_powers_off_reboots_and_panics(t):
    two_zones(t)
    t.run("zoneadm", "-z", "db", "boot")
    first = t.instance("db")["contract"]
    console = Console(t, "db")
    console.read_until("> ")
    console.send("reboot\r")
    kz.wait_for(lambda: t.instance("db")["contract"] not in (0, first), "another kzhost")
    t.wait_instance("db", "online")
    console = Console(t, "db")
    console.read_until("> ")
    console.send("panic\r")
    kz.wait_for(lambda: t.zone("db")["auxiliary"] == ["panicked"], "panicked")
    t.run("zoneadm", "-z", "db", "halt")
    t.run("zoneadm", "-z", "db", "boot")
    console = Console(t, "db")
    console.read_until("> ")
    console.send("poweroff\r")
    t.wait_instance("db", "disabled")
    kz.eq(t.zone("db")["state"], "installed")


@kz.test
def a_killed_kzhost_is_booted_again(t):
    two_zones(t)
    t.run("zoneadm", "-z", "db", "boot")
    first = t.instance("db")["contract"]
    os.kill(first, signal.SIGKILL)
    kz.wait_for(lambda: t.instance("db")["contract"] not in (0, first), "another kzhost")
    t.wait_instance("db", "online")
    kz.has(t.read("var/log/zones/messages.db"), "killed by signal 9")


@kz.test
def a_stopped_kzhost_is_ended_by_halt(t):
    two_zones(t)
    t.run("zoneadm", "-z", "db", "boot")
    pid = t.instance("db")["contract"]
    t.svc_kill()
    os.kill(pid, signal.SIGSTOP)
    t.svc_start(KZONES_STEP_TIMEOUT_MS="5000")  # also for the boot of a busy machine
    kz.has(t.instance("db")["reason"], "a kzhost (process %d) that does not answer" % pid)
    t.run("zoneadm", "-z", "db", "halt")
    kz.eq(kz.children(), [t.svc.pid], "it was ended")
    t.run("zoneadm", "-z", "db", "boot")
    t.wait_instance("db", "online")


@kz.test
def a_kernel_that_is_none(t):
    two_zones(t)
    t.write("nonsense", "this is no kernel" * 1000)
    t.run("zonecfg", "-z", "db", "select direct-boot; set kernel=%s; end; commit"
          % t.path("nonsense"))
    r = t.run("zoneadm", "-z", "db", "boot", status=1)
    kz.has(r.stderr, "direct-boot kernel %s: neither a PVH ELF" % t.path("nonsense"))
    t.wait_instance("db", "maintenance")
    kz.has(t.run("svcs", "-a").stdout, "maintenance")


kz.main()
