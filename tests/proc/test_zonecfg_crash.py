# SPDX-License-Identifier: BSD-2-Clause
"""zonecfg killed at every step that changes files: the old or the new configuration is there."""

import os
import shutil
import subprocess

import kz

KEY_A = "00112233445566778899aabbccddeeff"
KEY_B = "ffeeddccbbaa99887766554433221100"
CONFIG = """create -F -b
set hostid=0x00000001
set bootargs=%s
add anet; set auto-mac-address=02:08:20:00:00:01; end
add keysource; set raw=%s; end
"""
ABSENT = None


def export(t):
    """What the zone is, with its key; ABSENT when there is none."""
    r = t.run("zonecfg", "-z", "db", "export", status=None)
    if r.returncode == 1 and r.stderr == "db: No such zone configured\n":
        return ABSENT
    kz.eq((r.returncode, r.stderr), (0, ""))
    return r.stdout


def crash(t, commands, old, new):
    """Runs commands on the zone of this root and kills them at each step in turn."""
    env = dict(t.env(), ASAN_OPTIONS="detect_leaks=0")
    saved, seen, n = t.root + ".saved", [], 0
    shutil.copytree(t.root, saved)
    try:
        while True:
            n += 1
            r = subprocess.run([kz.find_program("killat"), str(n), kz.find_program("zonecfg"),
                                "-z", "db", *commands],
                               env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if r.returncode == 77:
                raise kz.Skip("no process can be traced here")
            now = export(t)
            if now not in (old, new):
                raise AssertionError("step %d: neither old nor new: %r" % (n, now))
            seen.append(now)
            # whatever is left behind is in nobody's way
            t.run("zonecfg", "-z", "db", *commands)
            kz.eq(export(t), new)
            kz.eq(os.listdir(t.path("etc/zones/keys")), ["db"])
            if r.returncode != 9:
                break
            shutil.rmtree(t.path("etc"), ignore_errors=True)
            shutil.copytree(saved + "/etc", t.path("etc"))
    finally:
        shutil.rmtree(saved)
    kz.eq(r.returncode, 0, r.stderr)
    kz.comment("%d steps" % n)
    kz.eq((seen[0], seen[-1]), (old, new))
    # once new, never old again
    kz.eq(seen, sorted(seen, key=lambda x: x == new))


def configure(t, name, bootargs, key):
    path = t.path(name)
    with open(path, "w") as f:
        f.write(CONFIG % (bootargs, key))
    return path


@kz.test
def a_change_of_configuration_and_key(t):
    t.run("zonecfg", "-z", "db", "-f", configure(t, "new.cfg", "new", KEY_B))
    new = export(t)
    t.run("zonecfg", "-z", "db", "delete -F")
    t.run("zonecfg", "-z", "db", "-f", configure(t, "old.cfg", "old", KEY_A))
    old = export(t)
    kz.has(old, KEY_A)
    kz.has(new, KEY_B)
    crash(t, ["set bootargs=new; select keysource; set raw=%s; end" % KEY_B], old, new)


@kz.test
def a_new_zone(t):
    path = configure(t, "new.cfg", "new", KEY_B)
    t.run("zonecfg", "-z", "db", "-f", path)
    new = export(t)
    t.run("zonecfg", "-z", "db", "delete -F")
    crash(t, ["-f", path], ABSENT, new)


@kz.test
def a_new_name(t):
    t.run("zonecfg", "-z", "db", "-f", configure(t, "old.cfg", "old", KEY_A))
    config, keys = t.read("etc/zones/db.json"), t.read("etc/zones/keys/db")
    env = dict(t.env(), ASAN_OPTIONS="detect_leaks=0")
    seen, n, status = [], 0, 9
    while status == 9:
        n += 1
        r = subprocess.run([kz.find_program("killat"), str(n), kz.find_program("zonecfg"),
                            "-z", "db", "set zonename=web"],
                           env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        status = r.returncode
        if status == 77:
            raise kz.Skip("no process can be traced here")
        zones = [f for f in os.listdir(t.path("etc/zones")) if f in ("db.json", "web.json")]
        kz.eq(len(zones), 1, "step %d: %s" % (n, zones))
        seen.append(zones[0])
        kz.eq(t.read("etc/zones/" + zones[0]), config)
        zone = zones[0][:-5]
        kz.has(t.run("zonecfg", "-z", zone, "export").stdout, "set raw=%s\n" % KEY_A)
        # it can be renamed to the end, and back, whatever was left behind
        if zone == "db":
            t.run("zonecfg", "-z", "db", "set zonename=web")
        if status == 9:
            t.run("zonecfg", "-z", "web", "set zonename=db")
            kz.eq(t.read("etc/zones/db.json"), config)
            kz.eq(t.read("etc/zones/keys/db"), keys)
    kz.eq(status, 0, r.stderr)
    kz.eq(os.listdir(t.path("etc/zones/keys")), ["web"])
    kz.eq((seen[0], seen[-1]), ("db.json", "web.json"))
    kz.eq(seen, sorted(seen))
    kz.comment("%d steps" % n)


if __name__ == "__main__":
    kz.main()
