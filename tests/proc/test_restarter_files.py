# SPDX-License-Identifier: BSD-2-Clause
"""svc.zones and its files: lock, state.json, status.json, full and read-only disks."""

import fcntl
import os
import random
import re
import signal
import struct
import subprocess

import kz
from restarter import (call, check_status, configure, fake, log, refused, setup,
                       status)


def mount(t, where, size):
    """A small file system of our own at a path below the root."""
    kz.need_root()
    os.makedirs(t.path(where), exist_ok=True)
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % size, "kz", t.path(where)],
                       stderr=subprocess.PIPE, text=True)
    if r.returncode:
        raise kz.Skip("no mounts here: " + r.stderr.strip())


def read_only(t, where):
    """That directory is read-only from now on; unmount() makes it writable again."""
    kz.need_root()
    for how in (["--bind", t.path(where)], ["-o", "remount,bind,ro"]):
        r = subprocess.run(["mount", *how, t.path(where)], stderr=subprocess.PIPE, text=True)
        if r.returncode:
            raise kz.Skip("no mounts here: " + r.stderr.strip())


def unmount(t, where):
    subprocess.run(["umount", "-l", t.path(where)], check=True)


def fill(t, where):
    """Fill that file system to the last block; path of the filler."""
    state = t.path(where, "state.json")
    if os.path.exists(state):  # replacing the generation before it must not make room
        os.unlink(state + ".1")
        os.link(state, state + ".1")
    path = t.path(where, "filler")
    with open(path, "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return path


@kz.test
def a_second_one_is_refused(t):
    t.svc_start()
    r = t.run("svc.zones", status=1)
    kz.has(r.stderr, "svc.zones is already running as process %d" % t.svc.pid)
    kz.eq(t.svc.alive(), True)


@kz.test
def a_directory_in_the_way_is_named(t):
    t.write("run/zones", "a file")
    kz.has(t.run("svc.zones", status=1).stderr, "run/zones: Not a directory")


@kz.test
def run_directory_read_only(t):
    t.write("run/x", "")
    read_only(t, "run")
    try:
        kz.has(t.run("svc.zones", status=1).stderr, "run/zones: Read-only file system")
    finally:
        unmount(t, "run")


@kz.test
def run_directory_full_at_start(t):
    mount(t, "run", 1 << 20)
    try:
        t.write("run/zones/x", "")
        fill(t, "run")
        # The lock's inode fits, its pid does not: it starts, says so, and serves.
        t.svc_start()
        kz.has(t.svc.output(), "status.json cannot be written: No space left")
        kz.eq(t.svc_stop(), 0)
    finally:
        unmount(t, "run")


@kz.test
def status_directory_full_then_not(t):
    mount(t, "run/zones", 1 << 20)
    try:
        setup(t, "db")
        filler = fill(t, "run/zones")
        call(t, "Boot", zone="db")
        kz.wait_for(lambda: "status.json cannot be written" in t.svc.output(), "complaint")
        kz.eq(t.zone("db")["state"], "running")
        os.unlink(filler)
        kz.wait_for(lambda: status(t, "db")["state"] == "running", "the status")
        kz.eq(t.svc.output().count("status.json cannot be written"), 1)
        check_status(t)
        kz.eq(t.svc_stop(), 0)
    finally:
        unmount(t, "run/zones")


@kz.test
def status_directory_read_only_then_not(t):
    kz.need_root()
    setup(t, "db", "web")
    call(t, "Boot", zone="db")
    kz.wait_for(lambda: status(t, "db")["state"] == "running", "the status")
    read_only(t, "run/zones")
    try:
        call(t, "Halt", zone="db")
        kz.wait_for(lambda: "status.json cannot be written" in t.svc.output(), "complaint")
    finally:
        unmount(t, "run/zones")
    kz.wait_for(lambda: status(t, "db")["state"] == "installed", "the status")
    kz.eq(t.svc_stop(), 0)


@kz.test
def state_is_persisted_before_it_is_announced(t):
    """At every change of the status the repository already says so."""
    setup(t, "db")
    kz.wait_for(lambda: status(t, "db")["instance"], "the status knows the instance")
    for _ in range(5):
        c = t.connect()
        c.send("Boot", {"zone": "db"})
        kz.wait_for(lambda: status(t, "db")["instance"]["state"] == "online", "online")
        saved = t.json("var/lib/zones/state.json")["zones"]["db"]
        kz.eq((saved["instance"], saved["enabled_temporary"]), ("online", True))
        call(t, "Halt", zone="db")
        saved = t.json("var/lib/zones/state.json")["zones"]["db"]
        kz.eq((saved["instance"], saved.get("enabled_temporary", False)),
              ("disabled", False))
        kz.wait_for(lambda: status(t, "db")["instance"]["state"] == "disabled", "disabled")


@kz.test
def full_disk_begins_nothing_and_loses_nothing(t):
    mount(t, "var/lib/zones", 1 << 20)
    try:
        setup(t, "db", "web")
        call(t, "Boot", zone="web")
        filler = fill(t, "var/lib/zones")
        before = t.read("var/lib/zones/state.json")
        c = t.connect()
        c.send("Boot", {"zone": "db"})
        kz.wait_for(lambda: "nothing new is begun" in t.svc.output(), "complaint")
        kz.eq([e for e in log(t) if e[0] == "db"], [])
        kz.eq(t.read("var/lib/zones/state.json"), before)
        kz.has(t.instance("db")["reason"], "state.json cannot be written: No space left")
        kz.wait_for(lambda: status(t)["host"]["persist_error"], "the status says so")
        check_status(t)
        kz.has(refused(t, "Failed", "Begin", zone="db", operation="uninstall"), "No space")
        kz.has(refused(t, "Failed", "Clear", zone="web"), "No space left")
        call(t, "Halt", zone="web")
        kz.eq(t.zone("web")["state"], "installed")
        os.unlink(filler)
        t.wait_instance("db", "online")
        kz.wait_for(lambda: t.json("var/lib/zones/state.json")["zones"]["db"]["instance"]
                    == "online", "state.json to say online")
        kz.eq(t.svc_stop(), 0)
    finally:
        unmount(t, "var/lib/zones")


@kz.test
def full_disk_does_not_keep_the_host_from_stopping(t):
    mount(t, "var/lib/zones", 1 << 20)
    try:
        setup(t, "db", "web")
        call(t, "Boot", zone="web")
        fill(t, "var/lib/zones")
        c = t.connect()
        c.send("Boot", {"zone": "db"})
        kz.wait_for(lambda: "nothing new is begun" in t.svc.output(), "complaint")
        kz.eq(t.svc_stop(), 0)
    finally:
        unmount(t, "var/lib/zones")


@kz.test
def damaged_state_uses_the_generation_before(t):
    setup(t, "db", "web")
    kz.eq(t.svc_stop(), 0)
    for text in ("", "{", "[]", '{"version": 2}', '{"version": 1, "zones": []}',
                 '{"version":1,"next_id":1,"boot_id":"x","zones":{"../x":{"state":"installed"}}}',
                 '{"version":1,"next_id":1,"boot_id":"x","zones":{"db":{"state":"odd"}}}',
                 '{"version":1,"next_id":1,"boot_id":"x","zones":{"db":{"state":"installed"}}}',
                 '{"version":1,"next_id":99999999999,"boot_id":"x","zones":{}}',
                 '{"version":1,"next_id":1,"boot_id":"x","zones":{"a":1,"a":2}}'):
        t.write("var/lib/zones/state.json", text)
        t.svc_start()
        kz.has(t.svc.output(), "state.json.1, is used")
        kz.eq(t.read("var/lib/zones/state.json.bad"), text)
        kz.eq(t.zone("db")["state"], "installed")
        kz.eq(t.svc_stop(), 0)
        if not os.path.exists(t.path("var/lib/zones/state.json")):
            os.link(t.path("var/lib/zones/state.json.1"), t.path("var/lib/zones/state.json"))


@kz.test
def a_flipped_bit_or_a_cut_is_noticed(t):
    setup(t, "db", "web")
    kz.eq(t.svc_stop(), 0)
    path = t.path("var/lib/zones/state.json")
    with open(path, "rb") as f:
        whole = f.read()
    with open(path + ".1", "wb") as f:
        f.write(whole)
    rng = random.Random(int(os.environ.get("KZ_SEED", "1")))
    begin = whole.index(b"version")  # a flip before that changes the checksum's name
    trials = [(whole[:at], "cut at %d" % at) for at in rng.sample(range(len(whole) - 2), 6)]
    for at in rng.sample(range(begin, len(whole)), 24):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << rng.randrange(8)
        trials.append((bytes(flipped), "byte %d flipped" % at))
    trials.append((whole.replace(b'"version": 1', b'"version": 2'), "a newer version"))
    for data, what in trials:
        with open(path, "wb") as f:
            f.write(data)
        kz.has(t.run("svc.zones", "-n").stderr, "state.json.1, is used", what)
        with open(path, "rb") as f:  # -n changes nothing
            kz.eq(f.read(), data, what)
    t.svc_start()
    kz.has(t.svc.output(), "the checksum does not fit: it was changed")
    with open(path + ".bad", "rb") as f:
        kz.eq(f.read(), trials[-1][0])
    kz.eq([z["state"] for z in call(t, "Zones")["zones"]], ["installed"] * 2)


@kz.test
def both_generations_damaged_is_refused(t):
    t.write("var/lib/zones/state.json", "{")
    t.write("var/lib/zones/state.json.1", "{")
    kz.has(t.run("svc.zones", status=1).stderr, "state.json.1: line 1")
    kz.eq(t.read("var/lib/zones/state.json"), "{")


@kz.test
def bad_configuration_is_named_and_others_go_on(t):
    setup(t, "db", "web")
    t.write("etc/zones/db.json", "{\"version\": 1, \"nonsense\": true}")
    t.svc_kill()
    t.svc_start()
    kz.has(t.svc.output(), "nonsense")
    kz.has(t.instance("db")["reason"], "nonsense")
    kz.eq((t.zone("db")["state"], t.zone("db")["auxiliary"]), ("incomplete", ["no-config"]))
    kz.eq((t.zone("web")["state"], t.zone("web")["auxiliary"]), ("installed", []))
    check_status(t)
    call(t, "Boot", zone="web")
    kz.has(refused(t, "Failed", "Boot", zone="db"), "nonsense")
    configure(t, "db")
    call(t, "Refresh", zone="db")
    call(t, "Clear", zone="db")
    t.wait_instance("db", "online")
    t.write("etc/zones/new.json", "nonsense")
    kz.has(refused(t, "Failed", "Begin", zone="new", operation="install"), "new.json: line 1")
    kz.has(refused(t, "Failed", "Begin", zone="new", operation="uninstall"), "new.json: line 1")
    kz.eq((t.zone("new")["state"], t.zone("new")["auxiliary"]), ("incomplete", ["no-config"]))


@kz.test
def configuration_that_has_gone(t):
    setup(t, "db")
    os.unlink(t.path("etc/zones/db.json"))
    call(t, "Refresh", zone="db")
    kz.eq((t.zone("db")["state"], t.zone("db")["auxiliary"]), ("incomplete", ["no-config"]))
    kz.has(refused(t, "Failed", "Boot", zone="db"), "gone")
    check_status(t)


@kz.test
def logs_are_rotated(t):
    fake(t)
    t.write("var/log/zones/console.db", "x" * (1 << 20))
    t.write("var/log/zones/console.db.0", "older")
    setup(t, "db")
    call(t, "Boot", zone="db")
    kz.eq(len(t.read("var/log/zones/console.db.0")), 1 << 20)
    kz.eq(t.read("var/log/zones/console.db.1"), "older")
    kz.eq(t.read("var/log/zones/console.db"), "")


@kz.test
def enable_writes_autoboot(t):
    setup(t, "db")
    call(t, "Enable", zone="db")
    t.wait_instance("db", "online")
    kz.eq(t.json("etc/zones/db.json")["autoboot"], True)
    call(t, "Disable", zone="db")
    t.wait_instance("db", "disabled")
    kz.eq(t.json("etc/zones/db.json").get("autoboot", False), False)
    call(t, "Enable", zone="db", temporary=True)
    t.wait_instance("db", "online")
    kz.eq(t.json("etc/zones/db.json").get("autoboot", False), False)


@kz.test
def who_disables_hears_that_it_is_not_for_good(t):
    setup(t, "db")
    call(t, "Enable", zone="db")
    t.wait_instance("db", "online")
    t.write("etc/zones/db.json", "nonsense")  # by hand: nobody has told svc.zones
    kz.has(refused(t, "Failed", "Disable", zone="db"), "autoboot=false could not be written")
    t.wait_instance("db", "disabled")
    configure(t, "db")
    call(t, "Enable", zone="db")
    kz.eq(t.json("etc/zones/db.json")["autoboot"], True)


def ofd_lock(f):
    """Lock a file as file_lock() does."""
    fcntl.fcntl(f, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))


@kz.test
def what_killed_writers_left_is_removed(t):
    """Ours, and zones' configurations that nobody writes; nothing else."""
    setup(t, "db", "web")
    t.svc_kill()
    ours = ["var/lib/zones/.state.json.aB3dE6", "run/zones/.status.json.aB3dE6",
            "run/zones/.boot-id.aB3dE6", "etc/zones/.svc.zones.json.aB3dE6",
            "etc/zones/.db.json.aB3dE6", "run/zones/db/.booted.json.aB3dE6"]
    others = ["var/lib/zones/.other.aB3dE6", "var/lib/zones/.state.json.short",
              "etc/zones/.web.json.aB3dE6", "etc/zones/.notes.txt.aB3dE6", "etc/zones/x.json~",
              "var/lib/zones/db/.state.json.aB3dE6", "run/zones/db/.other.aB3dE6"]
    for path in ours + others:
        t.write(path, "half")
    os.symlink("/etc/passwd", t.path("var/lib/zones/.state.json.symlnk"))
    t.write("run/zones/lock/web", "")
    with open(t.path("run/zones/lock/web"), "r+") as held:  # zonecfg is writing web
        ofd_lock(held)
        t.svc_start()
    # The kill may have left a real one, too.
    n = int(re.search(r"(\d+) files that killed writers left were", t.svc.output()).group(1))
    kz.eq(n >= len(ours), True)
    kz.eq([p for p in ours if os.path.lexists(t.path(p))], [])
    kz.eq([p for p in others if not os.path.lexists(t.path(p))], [])
    kz.eq(os.path.islink(t.path("var/lib/zones/.state.json.symlnk")), True)
    kz.eq(t.zone("db")["state"], "installed")


@kz.test
def a_stamp_that_cannot_be_written_makes_no_new_boots(t):
    configure(t, "db", autoboot=True)
    setup(t, "db", KZONES_BOOT_ID="one")
    kz.eq(t.svc_stop(), 0)
    os.makedirs(t.path("run/zones/boot-id/in-the-way"))
    t.svc_start(KZONES_BOOT_ID="one")  # after a clean stop
    t.wait_instance("db", "online")
    kz.has(t.svc.output(), "boot-id stamp %s cannot be written" % t.path("run/zones/boot-id"))
    call(t, "Halt", zone="db")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="one")
    kz.eq(t.instance("db")["state"], "disabled")
    kz.eq(t.svc.output().endswith("host boot\n"), False)
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="two")
    t.wait_instance("db", "online")


@kz.test
def usr1_dumps_the_instances(t):
    setup(t, "db")
    t.svc.popen.send_signal(signal.SIGUSR1)
    kz.wait_for(lambda: "machine=none" in t.svc.output(), "the dump")


kz.main()
