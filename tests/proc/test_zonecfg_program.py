# SPDX-License-Identifier: BSD-2-Clause
"""zonecfg as a program: bad input loses nothing, sessions exclude each other."""

import json
import os
import pty
import random
import subprocess
import sys
import time

import kz

FMRI = "svc:/system/zones/zone:%s"
ABSENT = "%s: No such zone configured\n"


def configure(t, zone, commands="create"):
    return t.run("zonecfg", "-z", zone, commands)


def config(t, zone):
    return json.loads(t.read("etc/zones/%s.json" % zone))


def refused(t, zone, commands, text):
    """A command on the command line fails with exit status 1 and this text."""
    r = t.run("zonecfg", "-z", zone, commands, status=1)
    kz.has(r.stderr, text)
    return r


def write(t, name, text):
    path = t.path(name)
    with open(path, "w") as f:
        f.write(text)
    return path


@kz.test
def absent_zone_has_the_text_that_scripts_know(t):
    r = t.run("zonecfg", "-z", "nozone", "info", status=1)
    kz.eq(r.stderr, ABSENT % "nozone")
    kz.eq(r.stdout, "")


@kz.test
def usage_is_exit_status_2(t):
    for args in (["-z"], ["-z", "db", "-f"], ["-q"], ["-r"], ["-r", "info"],
                 ["-z", "db", "-f", "x", "info"]):
        r = t.run("zonecfg", *args, status=2)
        kz.has(r.stderr, "usage: zonecfg")
    kz.has(t.run("zonecfg", "-h").stdout, "usage: zonecfg")
    kz.has(t.run("zonecfg", "-r", "info", status=2).stderr, "-r goes with -z: which zone?")
    kz.has(t.run("zonecfg", "-z", "db", "-f", "x", "info", status=2).stderr,
           "-f goes without a subcommand: info")
    kz.has(t.run("zonecfg", "-r", "-z", "db", status=1).stderr, "-r: ")


@kz.test
def without_a_zone_a_configuration_is_made_for_export_only(t):
    commands = "create -t SYSsolaris-kz-minimal; set zonename=web; add keysource; end; export"
    text = t.run("zonecfg", commands).stdout
    kz.has(text, "create -b\nset brand=solaris-kz\n")
    t.run("zonecfg", stdin=commands.replace("; ", "\n") + " -f %s\n" % t.path("web.cfg"))
    kz.eq(os.path.exists(t.path("etc")), False)
    t.run("zonecfg", "-f", t.path("web.cfg"))
    kz.eq(os.path.exists(t.path("etc")), False)
    t.run("zonecfg", "-z", "web", "-f", t.path("web.cfg"))
    kz.eq(t.run("zonecfg", "-z", "web", "export").stdout, t.read("web.cfg"))
    kz.has(t.run("zonecfg", "create; commit", status=1).stderr, "the zone has no name")
    kz.has(t.run("zonecfg", "info", status=1).stderr, "there is no configuration yet")
    kz.has(t.run("zonecfg", "create; add anet", status=1).stderr, "the resource is not ended")


@kz.test
def a_zone_gets_another_name(t):
    configure(t, "db", "create; add anet; end; add keysource; end; add device; "
                       "set storage=file:/srv/%{zonename}; end")
    configure(t, "web")
    before = t.run("zonecfg", "-z", "db", "export").stdout
    refused(t, "db", "set zonename=web", 'zonename: "web": zone already exists')
    refused(t, "db", "set zonename=a/b", "zonename: a/b: invalid zone name")
    t.run("zonecfg", "-z", "db", "set zonename=new; info device id=1; set bootargs=x")
    kz.eq(sorted(os.listdir(t.path("etc/zones"))), ["keys", "new.json", "web.json"])
    kz.eq(os.listdir(t.path("etc/zones/keys")), ["new"])
    kz.eq(t.run("zonecfg", "-z", "db", "info", status=1).stderr, ABSENT % "db")
    now = t.run("zonecfg", "-z", "new", "export").stdout
    kz.eq(now.replace("set bootargs=x\n", ""), before)
    kz.has(t.run("zonecfg", "-z", "new", "info device").stdout, "storage: file:/srv/new\n")
    configure(t, "front", "create; add smf-dependency; set fmri=%s; end" % FMRI % "new")
    refused(t, "new", "set zonename=db", "zone front depends on new: clear its smf-dependency")
    refused(t, "front", "set zonename=db; add smf-dependency; set fmri=%s; end" % FMRI % "front",
            "the zone depends on itself")
    t.run("zonecfg", "-z", "fresh", "create; set zonename=other")  # one that was never stored
    kz.eq(os.path.exists(t.path("etc/zones/fresh.json")), False)
    kz.eq(config(t, "other")["brand"], "solaris-kz")


@kz.test
def a_zone_that_is_installed_keeps_its_name(t):
    configure(t, "db")
    t.write("var/lib/zones/state.json", json.dumps(
        {"version": 1, "zones": {"db": {"state": "installed"}, "lost": {"state": "installed"}}}))
    refused(t, "db", "set zonename=new", "zonename: db: the zone is installed: uninstall it")
    configure(t, "web")
    refused(t, "web", "set zonename=lost", "zonename: lost: the zone is installed")


@kz.test
def help_needs_no_zone(t):
    kz.has(t.run("zonecfg", "help").stdout, "Subcommands:")
    kz.has(t.run("zonecfg", "help", "device").stdout, "bootpri")
    kz.has(t.run("zonecfg", "help", "nonsense", status=1).stderr, "no such help topic")


@kz.test
def invalid_zone_names(t):
    for name in ("", "../x", "a/b", "global", "x" * 65, "svc.zones", "a b"):
        r = t.run("zonecfg", "-z", name, "create", status=1)
        kz.has(r.stderr, "invalid zone name")
    kz.eq(os.path.exists(t.path("etc/zones")), False)


@kz.test
def errors_in_a_command_file_name_the_line_and_change_nothing(t):
    configure(t, "db")
    before = t.read("etc/zones/db.json")
    for line, text, error in (
            (3, "# a comment\n\nadd disk\n", '"disk": no such resource type; there are: '),
            (2, "set bootargs=x\nset colour=red\n", '"colour": no such property; there are: '),
            (4, "commit\nselect capped-memory\n\nset physical=lots; end\ncommit\n",
             'capped-memory: physical: "lots": not a size; allowed: 2M to 1T'),
            (1, "add fs", "fs: a kernel zone mounts nothing from the host"),
            (1, "set bootargs=\"x", "is not ended"),
            (2, "delete -F\nnonsense", "no such subcommand"),
            (2, "set autoboot=true\nadd device", "the resource is not ended")):
        path = write(t, "commands", text)
        r = t.run("zonecfg", "-z", "db", "-f", path, status=1)
        kz.has(r.stderr, error)
        kz.eq(r.stderr.split("\n")[0], "On line %d:" % line)
        kz.eq(t.read("etc/zones/db.json"), before)
        # the same from standard input
        r = t.run("zonecfg", "-z", "db", stdin=text, status=1)
        kz.eq(r.stderr.split("\n")[0], "On line %d:" % line)
        kz.eq(t.read("etc/zones/db.json"), before)
    r = t.run("zonecfg", "-z", "db", "-f", t.path("missing"), status=1)
    kz.has(r.stderr, "missing: No such file or directory")


@kz.test
def the_second_line_of_an_error_names_the_column(t):
    path = write(t, "commands", "create; set autoboot=true;  set bootargs=x; add disk\n")
    kz.has(t.run("zonecfg", "-z", "db", "-f", path, status=1).stderr,
           'On line 1:\ncolumn 45: "disk": no such resource type')
    path = write(t, "commands", "create\n   set bootargs='x\n")
    kz.has(t.run("zonecfg", "-z", "db", "-f", path, status=1).stderr,
           "On line 2:\ncolumn 4: a quote (') is not ended")


SEED = """create -b
add device
set match=/nowhere/disk
set id=4
set bootpri=1
end
add anet
add mac
set mac-address=2:8:20:c0:ff:ee
end
end
add suspend
set path=%s/suspend.%%{zonename}
end
add keysource
end
"""


@kz.test
def an_export_makes_the_same_zone_on_another_root(t):
    path = write(t, "myzone.cfg", SEED % t.root)
    t.run("zonecfg", "-z", "db", "-f", path)
    text = t.run("zonecfg", "-z", "db", "export").stdout
    kz.has(text, "set match=/nowhere/disk\nset id=4\nset bootpri=1\nend\n")
    for part in ("set hostid=0x", "set auto-mac-address=02:08:20:", "set raw="):
        kz.has(text, part)
    t.run("zonecfg", "-z", "db", "export", "-f", t.path("out.cfg"))
    kz.eq(t.read("out.cfg"), text)
    kz.eq(os.stat(t.path("out.cfg")).st_mode & 0o777, 0o600)
    other = t.path("other")
    os.mkdir(other)
    t.run("zonecfg", "-R", other, "-z", "db", "-f", t.path("out.cfg"))
    kz.eq(t.run("zonecfg", "-R", other, "-z", "db", "export").stdout, text)
    t.run("zonecfg", "-z", "db", "select device id=4; clear bootpri; end")
    kz.eq(t.run("zonecfg", "-z", "db", "export").stdout, text.replace("set bootpri=1\n", ""))


@kz.test
def a_key_is_shown_to_nobody_but_by_export(t):
    key = "0123456789abcdef" * 2
    t.run("zonecfg", "-z", "db", stdin="create; add keysource; set raw=%s; end" % key)
    for args in (["info"], ["info", "keysource"], ["-v", "-z", "db", "verify"]):
        r = t.run("zonecfg", "-z", "db", *args)
        kz.eq(key in r.stdout + r.stderr, False)
    kz.eq(key in t.read("etc/zones/db.json"), False)
    kz.eq(os.stat(t.path("etc/zones/keys/db")).st_mode & 0o7777, 0o600)
    kz.eq(os.stat(t.path("etc/zones/keys")).st_mode & 0o7777, 0o700)
    r = t.run("zonecfg", "-z", "db", "export")
    kz.has(r.stdout, "set raw=%s\n" % key)
    kz.eq(r.stderr, "")
    r = refused(t, "db", "select keysource; set raw=%sx; end" % key, "keysource: raw: not a key")
    kz.eq(key in r.stderr, False)
    t.run("zonecfg", "-z", "db", "delete -F")
    kz.eq(os.listdir(t.path("etc/zones/keys")), [])


@kz.test
def export_to_a_terminal_warns_of_the_key(t):
    t.run("zonecfg", "-z", "db", "create; add keysource; end")
    master, slave = pty.openpty()
    try:
        r = subprocess.run([kz.find_program("zonecfg"), "-z", "db", "export"], env=t.env(),
                           stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE,
                           text=True)
    finally:
        os.close(slave)
        os.close(master)
    kz.eq(r.stderr, "zonecfg: warning: what is printed contains the zone's encryption key\n")


@kz.test
def a_key_that_others_may_read_is_refused(t):
    t.run("zonecfg", "-z", "db", "create; add keysource; end")
    path = t.path("etc/zones/keys/db")
    before = t.read("etc/zones/db.json")
    os.chmod(path, 0o644)
    hint = "keysource: raw: %s: others than its owner may use it (mode 0644): chmod 600 %s" \
           % (path, path)
    refused(t, "db", "export", hint)
    refused(t, "db", "set autoboot=true", hint)
    refused(t, "db", "verify", hint)
    kz.eq(t.read("etc/zones/db.json"), before)
    kz.has(t.run("zonecfg", "-z", "db", "info").stdout, "raw redacted")
    os.chmod(path, 0o600)
    os.chmod(t.path("etc/zones/keys"), 0o750)
    refused(t, "db", "export", "chmod 700 " + t.path("etc/zones/keys"))
    os.chmod(t.path("etc/zones/keys"), 0o700)
    t.run("zonecfg", "-z", "db", "set autoboot=true")
    os.unlink(path)
    refused(t, "db", "export", "the key of zone db is missing; set it from an export")
    t.run("zonecfg", "-z", "db", "select keysource; clear raw; end")
    kz.has(t.run("zonecfg", "-z", "db", "export").stdout, "set raw=")


@kz.test
def a_copy_of_a_zone_has_numbers_of_its_own(t):
    t.run("zonecfg", "-z", "db", "create; add anet; add mac; end; end; add keysource; end")
    t.run("zonecfg", "-z", "web", "create -t db")
    mine, its = (t.run("zonecfg", "-z", z, "export").stdout for z in ("db", "web"))
    for name in ("hostid", "auto-mac-address"):
        kz.eq([x for x in mine.split("\n") if x.startswith("set %s=" % name) and x in its], [])
    kz.eq("keysource" in its, False)
    mac = mine.split("auto-mac-address=")[1].split("\n")[0]
    refused(t, "web", "add anet; set mac-address=%s; end" % mac,
            'anet: mac-address: "%s": zone db has it already' % mac)
    write(t, "aside.json", t.read("etc/zones/db.json"))
    t.run("zonecfg", "-z", "db", "delete -F")
    refused(t, "db", "create -a " + t.path("aside.json"), "the key of zone db is missing")
    t.run("zonecfg", "-z", "db", "create -a %s; remove keysource" % t.path("aside.json"))
    kz.has(t.run("zonecfg", "-z", "db", "export").stdout, mac)


@kz.test
def live_mode_is_for_a_zone_that_runs(t):
    configure(t, "db")
    kz.has(t.run("zonecfg", "-z", "db", "-r", "info", status=1).stderr, "-r: ")
    t.svc_start()
    kz.eq(t.run("zonecfg", "-z", "db", "-r", "info", status=1).stderr,
          "-r: zone db is not running: it is configured\n")


@kz.test
def hostile_command_files(t):
    path = t.path("commands")
    for data, error in ((b"create\nset bootargs=\xff\n", "invalid UTF-8"),
                        (b"create\nset boot\0args=x\n", "a NUL byte"),
                        (b"create\nset bootargs=" + b"x" * (10 << 20) + b"\n", "too long"),
                        (b"create\n" + b"#\n" * (9 << 20), "bytes of commands"),
                        (b"create\nadd dedicated-cpu; set cpus=" + b"1," * (5 << 20) + b"1",
                         None),
                        (b"create\nadd anet; set allowed-address=" + b"10.0.0.1," * (1 << 20),
                         "an address is doubled"),
                        (b"create\n" + b"x" * (10 << 20), "no such subcommand"),
                        (b"create\nset bootargs=\x1b[2J\n", "control characters")):
        with open(path, "wb") as f:
            f.write(data)
        r = t.run("zonecfg", "-z", "db", "-f", path, status=1)
        kz.has(r.stderr, error or "the resource is not ended")
        kz.has(r.stderr, "On line ")
        kz.eq("\x1b" in r.stderr, False)
        kz.eq(os.path.exists(t.path("etc/zones/db.json")), False)


@kz.test
def dependencies(t):
    configure(t, "db")
    dep = "add smf-dependency; set fmri=%s; end"
    refused(t, "db", dep % FMRI % "nozone", '"%s": No such zone configured' % FMRI % "nozone")
    refused(t, "db", dep % FMRI % "db", "the zone depends on itself")
    configure(t, "web", "create; " + dep % FMRI % "db")
    configure(t, "front", "create; " + dep % FMRI % "web")
    before = t.read("etc/zones/db.json")
    refused(t, "db", dep % FMRI % "front", "dependency cycle: db -> front -> web -> db")
    refused(t, "db", dep % FMRI % "web", "dependency cycle: db -> web -> db")
    kz.eq(t.read("etc/zones/db.json"), before)
    kz.has(t.run("zonecfg", "-z", "web", "verify; info smf-dependency").stdout,
           "fmri: " + FMRI % "db")


@kz.test
def export_makes_the_same_zone_on_another_root(t):
    configure(t, "db")
    configure(t, "web", "create -t SYSsolaris-kz-minimal; set bootargs='a \"b\" \\';"
              "add device; set storage=file:/srv/%{zonename}%{id}; end;"
              "add smf-dependency; set fmri=" + FMRI % "db" + "; end")
    t.run("zonecfg", "-z", "web", "export -f " + t.path("web.cfg"))
    other = t.path("other")
    os.makedirs(other)
    t.run("zonecfg", "-R", other, "-z", "db", "create")
    t.run("zonecfg", "-R", other, "-z", "web", "-f", t.path("web.cfg"))
    kz.eq(config(t, "web"), json.loads(t.read("other/etc/zones/web.json")))
    kz.has(t.run("zonecfg", "-z", "web", "-f", t.path("web.cfg"), status=1).stderr,
           "web: zone already exists")


@kz.test
def check_only_changes_nothing(t):
    r = t.run("zonecfg", "-n", "-v", "-z", "db", "create; set autoboot=true")
    kz.has(r.stderr, "db: configuration is good")
    kz.eq(os.path.exists(t.path("etc")), False)
    kz.has(t.run("zonecfg", "-v", "-z", "db", "create").stderr, "db: configuration committed")
    t.run("zonecfg", "-n", "-z", "db", "delete -F")
    kz.eq(os.path.exists(t.path("etc/zones/db.json")), True)


@kz.test
def an_installed_zone_is_not_deleted(t):
    configure(t, "db")
    configure(t, "web")
    os.makedirs(t.path("var/lib/zones"))
    write(t, "var/lib/zones/state.json", json.dumps(
        {"version": 1, "zones": {"db": {"state": "running"}, "web": {"state": "configured"}}}))
    refused(t, "db", "delete -F", "db: the zone is running: uninstall it first")
    refused(t, "db", "create -F", "db: the zone is running: uninstall it first")
    t.run("zonecfg", "-z", "web", "delete -F")
    kz.eq(os.listdir(t.path("etc/zones")), ["db.json"])
    write(t, "var/lib/zones/state.json", "nonsense")
    refused(t, "db", "delete -F", "state.json: line 1: not a state file")
    os.unlink(t.path("var/lib/zones/state.json"))
    refused(t, "db", "delete", "Input not from terminal and -F not specified")


@kz.test
def a_file_edited_into_nonsense_harms_that_zone_only(t):
    configure(t, "db")
    configure(t, "web")
    write(t, "etc/zones/db.json", '{"version": 1,\n "autoboot": 7}')
    r = t.run("zonecfg", "-z", "db", "info", status=1)
    kz.has(r.stderr, "db.json: autoboot: has to be true or false, is a whole number")
    refused(t, "db", "create", "db.json: autoboot: has to be")
    refused(t, "db", "set autoboot=true", "db.json: autoboot: has to be")
    t.run("zonecfg", "-z", "web", "set autoboot=true")
    t.run("zonecfg", "-z", "db", "create -F")
    kz.eq(config(t, "db")["brand"], "solaris-kz")
    write(t, "etc/zones/db.json", "[")
    t.run("zonecfg", "-z", "db", "delete -F")
    kz.eq(os.listdir(t.path("etc/zones")), ["web.json"])


@kz.test
def the_second_session_is_told_who_holds_the_zone(t):
    first = subprocess.Popen([kz.find_program("zonecfg"), "-z", "db"], env=t.env(), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        first.stdin.write("create\ninfo zonename\n")
        first.stdin.flush()
        kz.eq(first.stdout.readline(), "zonename: db\n")
        refused(t, "db", "create", "db: the zone is being configured by process %d" % first.pid)
        configure(t, "web")
        first.stdin.close()
        kz.eq(first.wait(kz.DEADLINE), 0)
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    kz.has(t.run("zonecfg", "-z", "db", "set autoboot=true; info autoboot").stdout, "true")


@kz.test
def killed_at_any_point_the_old_or_the_new_configuration_is_there(t):
    seed = int(os.environ.get("KZ_SEED", "1"))
    kz.comment("KZ_SEED=%d" % seed)
    rand = random.Random(seed)
    configure(t, "db", "create; set bootargs=0")
    last = 0
    for n in range(1, 41):
        p = subprocess.Popen([kz.find_program("zonecfg"), "-z", "db", "set bootargs=%d" % n],
                             env=t.env(), stdin=subprocess.DEVNULL)
        end = time.monotonic() + rand.uniform(0, 0.06)
        while time.monotonic() < end and p.poll() is None:
            pass
        p.kill()
        p.wait()
        now = int(config(t, "db")["bootargs"])
        if now not in (last, n):
            raise AssertionError("bootargs %d is neither %d nor %d" % (now, last, n))
        last = now
    kz.eq(t.run("zonecfg", "-z", "db", "info bootargs").stdout, "bootargs: %d\n" % last)


MOUNTED = """
import ctypes, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
def must(r):
    if r != 0:
        print(os.strerror(ctypes.get_errno()), file=sys.stderr)
        sys.exit(77)
program, root, how = sys.argv[1:]
etc = root + "/etc/zones"
must(libc.unshare(0x20000))
must(libc.mount(b"none", b"/", None, 1 << 14 | 1 << 18, None))
must(libc.mount(b"kz", etc.encode(), b"tmpfs", 0, b"size=16k"))
run = lambda *a: subprocess.run([program, "-R", root, "-z", "db", *a], stdin=subprocess.DEVNULL)
run("create").check_returncode()
before = open(etc + "/db.json").read()
if how == "full":
    try:
        with open(etc + "/fill", "wb", buffering=0) as f:
            while True:
                f.write(b"x" * 4096)
    except OSError:
        pass
else:
    must(libc.mount(None, etc.encode(), None, 32 | 1, None))
if how == "full":
    r = run("add keysource; end")
    assert r.returncode == 1 and open(etc + "/db.json").read() == before
    assert not os.path.exists(etc + "/keys") or os.listdir(etc + "/keys") == []
    if os.path.exists(etc + "/keys"):
        os.rmdir(etc + "/keys")
r = run("set autoboot=true")
assert open(etc + "/db.json").read() == before
assert sorted(os.listdir(etc)) == (["db.json", "fill"] if how == "full" else ["db.json"])
sys.exit(r.returncode)
"""


def on_mount(t, how, text):
    kz.need_root()
    os.makedirs(t.path("etc/zones"))
    r = t.run(sys.executable, "-c", MOUNTED, kz.find_program("zonecfg"), t.root, how, status=None)
    if r.returncode == 77:
        raise kz.Skip("mount: " + r.stderr.strip())
    kz.eq(r.returncode, 1, r.stderr)
    kz.has(r.stderr, "db.json: cannot be written: " + text)


@kz.test
def a_full_disk_loses_nothing(t):
    on_mount(t, "full", "No space left on device")


@kz.test
def a_read_only_disk_loses_nothing(t):
    on_mount(t, "read-only", "Read-only file system")


@kz.test
def a_directory_without_permission(t):
    t.unprivileged()
    configure(t, "db")
    os.chmod(t.path("etc/zones"), 0o555)
    try:
        refused(t, "db", "set autoboot=true", "db.json: cannot be written: Permission denied")
    finally:
        os.chmod(t.path("etc/zones"), 0o755)


@kz.test
def svc_zones_is_told(t):
    t.svc_start()

    def names():
        connection = t.connect()
        try:
            return [z["name"] for z in connection.call("Zones")["zones"]]
        finally:
            connection.close()

    kz.eq(names(), [])
    kz.eq(configure(t, "db").stderr, "")
    kz.eq(names(), ["db"])
    kz.eq(configure(t, "db", "set zonename=web").stderr, "")
    kz.eq(names(), ["web"])
    kz.eq(configure(t, "web", "set zonename=db").stderr, "")
    kz.eq(names(), ["db"])
    t.svc_kill()  # its socket stays, and nobody listens
    kz.eq(t.run("zonecfg", "-z", "db", "set autoboot=true").stderr, "")
    t.svc_start()
    kz.eq(t.run("zonecfg", "-z", "db", "delete -F").stderr, "")
    kz.eq(names(), [])


if __name__ == "__main__":
    kz.main()
