# SPDX-License-Identifier: BSD-2-Clause
"""CPU limits of zones: their control groups, below a folder that stands for the real ones, and
changes to zones that run (zonecfg -r)."""

import json
import os
import shutil
import signal

import kz
from restarter import as_nobody, call, check_status, configure, install, refused, setup, status

GROUPS = "sys/fs/cgroup"
CAP = {"ncpus": "1.5"}


def host(t, controllers="cpuset cpu io\n"):
    """A host with control groups version 2; svc.zones' own one."""
    t.write(GROUPS + "/cgroup.controllers", controllers)


def group(t, zone, name):
    return t.read("%s/zone-%s/%s" % (GROUPS, zone, name))


def exists(t, zone):
    return os.path.isdir(t.path(GROUPS, "zone-" + zone))


def running(t, zone="db", **properties):
    """svc.zones with one zone that runs."""
    configure(t, zone, **properties)
    if not t.svc:
        setup(t, zone)
    else:
        install(t, zone)
    call(t, "Boot", zone=zone)
    t.wait_zone(zone, "running")


def live(t, zone, *commands, **more):
    return t.run("zonecfg", "-z", zone, "-r", "; ".join(commands), **more)


def booted(t, zone="db"):
    return t.json("run/zones/%s/booted.json" % zone)


@kz.test
def a_zone_has_a_group_with_its_limits(t):
    host(t)
    running(t, cpu_shares=20, capped_cpu=CAP)
    kz.eq(t.read(GROUPS + "/supervisor/cgroup.procs"), str(t.svc.pid))
    kz.eq(t.read(GROUPS + "/cgroup.subtree_control"), "+cpu")
    kz.eq(group(t, "db", "cpu.max"), "150000 100000")
    kz.eq(group(t, "db", "cpu.weight"), "2000")
    kz.eq(group(t, "db", "cgroup.procs"), str(t.instance("db")["contract"]))
    kz.eq(status(t)["host"]["limits_error"], None)
    check_status(t)
    call(t, "Halt", zone="db")
    kz.eq(exists(t, "db"), False)
    kz.eq(os.path.exists(t.path("run/zones/db/booted.json")), False)


@kz.test
def a_zone_without_limits_has_the_defaults(t):
    host(t)
    running(t)
    kz.eq((group(t, "db", "cpu.max"), group(t, "db", "cpu.weight")), ("max 100000", "100"))


@kz.test
def a_failed_boot_leaves_no_group(t):
    host(t)
    configure(t, "db", cpu_shares=20)
    setup(t, "db")
    os.unlink(t.path("libexec/kzhost"))
    refused(t, "Failed", "Boot", zone="db")
    t.wait_instance("db", "maintenance")
    kz.eq(exists(t, "db"), False)


@kz.test
def many_shares_make_the_others_small(t):
    host(t)
    running(t, cpu_shares=50)
    running(t, "web", cpu_shares=1000)
    kz.eq((group(t, "db", "cpu.weight"), group(t, "web", "cpu.weight")), ("500", "10000"))
    call(t, "Halt", zone="web")
    kz.eq(group(t, "db", "cpu.weight"), "5000")


@kz.test
def adopted_zones_keep_their_limits(t):
    host(t)
    running(t, cpu_shares=20, capped_cpu=CAP)
    live(t, "db", "set cpu-shares=30")
    configure(t, "db", cpu_shares=7)  # for the next boot
    t.svc_kill()
    t.run("svc.zones", "--release-cgroup")
    kz.eq(t.read(GROUPS + "/cgroup.subtree_control"), "-cpu")
    for name in ("cpu.max", "cpu.weight"):  # so does the kernel
        os.unlink(t.path(GROUPS, "zone-db", name))
    os.mkdir(t.path(GROUPS, "zone-old"))
    t.svc_start()
    kz.eq(t.read(GROUPS + "/cgroup.subtree_control"), "+cpu")
    kz.eq((group(t, "db", "cpu.weight"), group(t, "db", "cpu.max")),
          ("3000", "150000 100000"))
    kz.eq(exists(t, "old"), False)
    live(t, "db", "set cpu-shares=40")
    kz.eq(group(t, "db", "cpu.weight"), "4000")
    call(t, "Halt", zone="db")
    kz.eq(exists(t, "db"), False)


@kz.test
def the_group_of_a_zone_that_ended_meanwhile_goes(t):
    host(t)
    running(t, cpu_shares=20)
    t.svc_kill()
    os.kill(int(group(t, "db", "cgroup.procs")), signal.SIGKILL)
    t.svc_start()
    kz.eq(exists(t, "db"), False)


@kz.test
def a_group_that_is_busy_goes_later(t):
    host(t)
    running(t)
    busy = t.write(GROUPS + "/zone-db/busy", "")
    call(t, "Halt", zone="db")
    kz.eq(exists(t, "db"), True)
    os.unlink(busy)
    kz.wait_for(lambda: not exists(t, "db"), "the group is gone")


@kz.test
def a_kzhost_of_an_older_restarter_gets_its_group(t):
    running(t, cpu_shares=20)
    pid = t.instance("db")["contract"]
    t.svc_kill()
    host(t)
    t.write(GROUPS + "/cgroup.procs", "%d\n" % pid)
    t.svc_start()
    kz.eq(group(t, "db", "cgroup.procs"), str(pid))
    kz.eq(group(t, "db", "cpu.weight"), "2000")


def without(t, why):
    """Boots a zone where there are no limits to be had, for this reason."""
    running(t, cpu_shares=20)
    kz.has(status(t)["host"]["limits_error"], why)
    check_status(t)
    messages = t.read("var/log/zones/messages.db")
    kz.eq(messages.count("cpu-shares and capped-cpu are not kept: "), 1)
    kz.has(messages, why)
    kz.has(live(t, "db", "set cpu-shares=30", status=1).stderr,
           "cpu-shares: the zone has no control group: ")
    kz.has(live(t, "db", "set cpu-shares=30", status=1).stderr, why)
    kz.eq(booted(t)["cpu-shares"], 20)


@kz.test
def a_host_without_groups(t):
    without(t, "there are no control groups")


@kz.test
def a_host_without_the_controller(t):
    host(t, "cpuset io\n")
    without(t, "the cpu controller is not there")


@kz.test
def a_group_that_is_not_ours(t):
    host(t)
    t.write(GROUPS + "/cgroup.procs", "1\n")
    without(t, "shares its control group with process 1")


@kz.test
def a_zone_that_asks_for_nothing_is_not_told(t):
    running(t)
    kz.eq("not kept" in t.read("var/log/zones/messages.db"), False)


@kz.test
def what_a_zone_was_booted_with_is_kept(t):
    t.write("kernels/db", "a kernel")
    configure(t, "db", kernel=t.path("kernels/%{zonename}"), bootargs="stored", cpu_shares=20)
    setup(t, "db")
    call(t, "Boot", zone="db", args="given")
    configure(t, "db", cpu_shares=7)
    b = booted(t)
    kz.eq(b["direct-boot"]["kernel"], t.path("kernels/db"))
    kz.eq((b["bootargs"], b["cpu-shares"]), ("given", 20))


@kz.test
def info_shows_the_running_configuration(t):
    host(t)
    running(t, cpu_shares=20, capped_cpu=CAP, bootargs="quiet")
    configure(t, "db")
    live(t, "db", "set cpu-shares=25")
    kz.golden("zonecfg-live/info", live(t, "db", "info").stdout.replace(t.root, "ROOT"))


@kz.test
def a_change_is_live_and_not_stored(t):
    host(t)
    running(t, cpu_shares=20, capped_cpu=CAP)
    stored = t.read("etc/zones/db.json")
    r = live(t, "db", "set cpu-shares=10", "select capped-cpu", "set ncpus=2", "end")
    kz.golden("zonecfg-live/change", r.stdout)
    kz.eq((group(t, "db", "cpu.max"), group(t, "db", "cpu.weight")),
          ("200000 100000", "1000"))
    r = live(t, "db", "clear cpu-shares", "remove capped-cpu", "commit", "info cpu-shares")
    kz.golden("zonecfg-live/remove", r.stdout)
    kz.eq((group(t, "db", "cpu.max"), group(t, "db", "cpu.weight")), ("max 100000", "100"))
    r = live(t, "db", "add capped-cpu", "set ncpus=0.5", "end")
    kz.golden("zonecfg-live/add", r.stdout)
    kz.eq(group(t, "db", "cpu.max"), "50000 100000")
    kz.eq(live(t, "db", "info cpu-shares").stdout, "cpu-shares:\n")
    kz.eq(t.read("etc/zones/db.json"), stored)
    kz.has(t.read("var/log/zones/messages.db"), "reconfigured while it runs")


@kz.test
def nothing_to_change_says_nothing(t):
    host(t)
    running(t, cpu_shares=20)
    kz.eq(live(t, "db", "set cpu-shares=20", "commit").stdout, "")
    kz.eq(live(t, "db", "set cpu-shares=30", "revert -F").stdout, "")
    kz.eq(group(t, "db", "cpu.weight"), "2000")


@kz.test
def check_only_changes_nothing(t):
    host(t)
    running(t, cpu_shares=20)
    t.run("zonecfg", "-n", "-z", "db", "-r", "set cpu-shares=30")
    kz.eq(group(t, "db", "cpu.weight"), "2000")


@kz.test
def what_is_not_live_is_refused_by_name(t):
    host(t)
    running(t, cpu_shares=20)
    for command, name in (("set bootargs=x", "bootargs: "),
                          ("select virtual-cpu; set ncpus=2", "virtual-cpu: ncpus: "),
                          ("add device", "device: "), ("set autoboot=true", "autoboot: ")):
        kz.has(live(t, "db", "set cpu-shares=30", command, status=1).stderr,
               name + "it cannot be changed in a running zone")
    for changes, name in (({"bootargs": "x"}, "bootargs: "),
                          ({"virtual-cpu": {"ncpus": 2}}, "virtual-cpu: ncpus: "),
                          ({"direct-boot": None}, "direct-boot: "),
                          ({"cpu-shares": 0}, "cpu-shares"), ({"x": 1}, "x"),
                          ({"capped-cpu": {}}, "ncpus"), ({"cpu-shares": "many"}, "cpu-shares"),
                          ({"version": 2}, "version")):
        changes.setdefault("cpu-shares", 30)
        kz.has(refused(t, "Failed", "Reconfigure", zone="db", changes=changes), name)
    kz.eq(group(t, "db", "cpu.weight"), "2000")
    kz.eq(booted(t)["cpu-shares"], 20)


@kz.test
def a_limit_that_cannot_be_written_undoes_all(t):
    host(t)
    running(t, cpu_shares=20, capped_cpu=CAP)
    weight = t.path(GROUPS, "zone-db/cpu.weight")
    os.unlink(weight)
    os.mkdir(weight)
    r = live(t, "db", "set cpu-shares=30", "select capped-cpu", "set ncpus=2", "end", status=1)
    kz.has(r.stderr, "cpu-shares: cpu.weight of the zone's control group: Is a directory")
    kz.eq(group(t, "db", "cpu.max"), "150000 100000")
    kz.eq(booted(t)["cpu-shares"], 20)


def mount(t, *args, command="mount"):
    """Mount or unmount something at the zone's runtime folder; Skip when that is not allowed."""
    path = t.path("run/zones/db")
    r = t.run(shutil.which(command), *args, path, status=None)
    if r.returncode != 0:
        raise kz.Skip("%s: %s" % (command, r.stderr.strip()))


@kz.test
def a_record_that_cannot_be_written_undoes_all(t):
    kz.need_root()
    host(t)
    running(t, cpu_shares=20)
    text = t.read("run/zones/db/booted.json")
    mount(t, "-t", "tmpfs", "none")
    try:
        t.write("run/zones/db/booted.json", text)
        mount(t, "-o", "remount,ro")
        kz.has(live(t, "db", "set cpu-shares=30", status=1).stderr,
               "booted.json: Read-only file system")
        kz.eq(group(t, "db", "cpu.weight"), "2000")
    finally:
        mount(t, command="umount")


@kz.test
def a_full_disk_keeps_no_zone_from_booting(t):
    kz.need_root()
    configure(t, "db", cpu_shares=20)
    setup(t, "db")
    mount(t, "-t", "tmpfs", "-o", "nr_inodes=5", "none")
    try:
        for i in range(20):
            try:
                t.write("run/zones/db/full%d" % i, "")
            except OSError:
                break
        os.unlink(t.path("run/zones/db/full0"))  # for the control socket
        call(t, "Boot", zone="db")
        kz.has(t.read("var/log/zones/messages.db"), "it cannot be changed live: ")
        kz.eq(live(t, "db", "info", status=1).stdout, "")
        call(t, "Halt", zone="db")
    finally:
        t.svc_stop()
        mount(t, command="umount")


@kz.test
def only_a_zone_that_runs(t):
    configure(t, "db")
    setup(t, "db")
    kz.eq(live(t, "db", "info", status=1).stderr,
          "-r: zone db is not running: it is installed\n")
    kz.eq(t.run("zonecfg", "-z", "x", "-r", "info", status=1).stderr,
          "-r: zone 'x': no such zone configured\n")
    kz.has(refused(t, "BadState", "Reconfigure", zone="db", changes={"cpu-shares": 2}),
           "while the zone is installed")


@kz.test
def what_a_zone_was_booted_with_is_not_guessed(t):
    running(t)
    os.unlink(t.path("run/zones/db/booted.json"))
    kz.has(live(t, "db", "info", status=1).stderr, "it is not known what zone db was booted with")


@kz.test
def others_are_refused_by_the_right_that_they_lack(t):
    host(t)
    running(t, cpu_shares=20)

    def change():
        try:
            call(t, "Reconfigure", zone="db", changes={"cpu-shares": 30})
        except kz.VarlinkError as e:
            return json.dumps([e.name, e.parameters])
        return "done"

    answer, finish = as_nobody(change)
    finish()
    kz.eq(json.loads(answer)[0], kz.IFACE + ".Denied")
    kz.eq(json.loads(answer)[1]["right"], "liveconfig")
    kz.has(json.loads(answer)[1]["message"], "'liveconfig'")
    kz.eq(group(t, "db", "cpu.weight"), "2000")
    configure(t, "db", admin=[{"user": "nobody", "auths": "liveconfig"}])
    call(t, "Refresh", zone="db")
    answer, finish = as_nobody(change)
    finish()
    kz.eq((answer, group(t, "db", "cpu.weight")), ("done", "3000"))


kz.main()
