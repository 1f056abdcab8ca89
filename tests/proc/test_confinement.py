# SPDX-License-Identifier: BSD-2-Clause
"""What a real kzhost still has of the host once it serves, as the kernel tells it."""

import os
import re
import resource

import kz
from fake_restarter import Client, Host, exit_status
from restarter import call, configure, fake, install

KVM = {"KZONES_KVM": "/dev/kvm"}
UID = 1900000000  # config/first-zone-uid by default


def proc(pid, name):
    with open("/proc/%d/%s" % (pid, name), "rb") as f:
        return f.read()


def ids(pid):
    """Uids, gids and groups of a process; all the same uid, gid: {uid}, {gid}, {}."""
    fields = dict(re.findall(r"^(Uid|Gid|Groups):(.*)", proc(pid, "status").decode(), re.M))
    return tuple(set(map(int, fields[name].split())) for name in ("Uid", "Gid", "Groups"))


def serving(t, **how):
    """A kzhost that has answered HELLO, and so has confined itself."""
    host = Host(t, **how)
    host.connect().close()
    return host


def as_nobody():
    """A wrapper that makes a program nobody's; none when we are not root anyway."""
    return ["/usr/bin/setpriv", "--reuid=65534"] if os.geteuid() == 0 else []


def limits(host):
    """{name: (soft, hard)} of /proc/PID/limits."""
    return {m.group(1): (m.group(2), m.group(3)) for m in
            re.finditer(r"^(Max [a-z ]+?) {2,}(\w+) +(\w+)", proc(host.pid, "limits").decode(), re.M)}


@kz.test
def nothing_is_left_of_the_environment(t):
    kz.need_root()  # to look
    os.environ["KZ_TEST_SECRET"] = "tell nobody"
    environ = proc(serving(t).pid, "environ")
    kz.eq(environ.strip(b"\0"), b"")
    kz.eq(len(environ) > 20, True, "there was something")


@kz.test
def its_memory_is_not_for_files(t):
    kz.eq(limits(serving(t))["Max core file size"], ("0", "0"))


@kz.test
def limits_are_those_of_a_zone(t):
    has = limits(serving(t))
    files = str(min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    kz.eq(has["Max open files"], (files, files))
    for name in ("Max msgqueue size", "Max realtime priority"):
        kz.eq(has[name], ("0", "0"), name)


@kz.test
def a_zone_lives_with_a_uid_of_its_own(t):
    kz.need_root()
    kz.need_kvm()
    host = Host(t, args=("-u", str(UID + 5)))
    c = host.connect()
    path = t.write("disk", "")
    os.truncate(path, 8 << 20)
    kz.eq(c.create(vcpus=2), (0, ""), "create")
    kz.eq(c.disk(path), (0, ""), "disk")
    c.good("start")
    kz.eq(ids(host.pid), ({UID + 5}, {UID + 5}, set()))
    client = Client(host)
    client.read_until("> ")
    client.send("disk write 0 100 64 7; disk verify 0 100 64 7\r")
    client.read_until("0 bad, ok")
    kz.wait_for(lambda: c.status()["resident_bytes"] == c.status()["ram_bytes"], "all memory")
    client.send("poweroff\r")
    kz.eq(c.event()[0], "poweroff")
    kz.eq(host.wait(), exit_status("poweroff"))


@kz.test
def a_uid_that_it_may_not_have_ends_it(t):
    host = Host(t, args=("-u", str(UID)), wrapper=as_nobody())
    kz.eq(host.wait(), 1)
    kz.has(host.output(), "groups: Operation not permitted")


@kz.test
def a_uid_that_is_none_is_refused(t):
    for uid in ("0", "-1", "root", "", "4294967295", "1x"):
        host = Host(t, args=("-u", uid))
        kz.eq(host.wait(), 2)
        kz.has(host.output(), "-u needs a uid other than 0")


def zones_with_kvm(t, *zones):
    kz.need_kvm()
    t.svc_start(**KVM)
    for zone in zones:
        boot_new(t, zone)


def boot_new(t, zone):
    configure(t, zone, kernel=kz.find_program("guest.elf"))
    install(t, zone)
    call(t, "Boot", zone=zone)
    t.wait_instance(zone, "online")


def pid_of(t, zone):
    return t.instance(zone)["contract"]


@kz.test
def zones_that_run_share_no_uid(t):
    kz.need_root()
    zones_with_kvm(t, "a", "b")
    kz.eq([ids(pid_of(t, z))[0] for z in "ab"], [{UID}, {UID + 1}])
    t.svc_kill()
    t.svc_start(**KVM)  # it begins at the first again, which those that it adopts have
    boot_new(t, "c")
    kz.eq([ids(pid_of(t, z)) for z in "abc"],
          [({UID + i}, {UID + i}, set()) for i in range(3)])
    call(t, "Halt", zone="a")
    call(t, "Boot", zone="a")
    kz.eq(ids(pid_of(t, "a"))[0], {UID + 3})
    kz.eq(t.svc_stop(), 0)


@kz.test
def uids_come_from_the_range_that_is_set(t):
    kz.need_root()
    t.write("etc/zones/svc.zones.json", '{"config": {"first-zone-uid": 70000}}')
    zones_with_kvm(t, "a")
    kz.eq(ids(pid_of(t, "a"))[0], {70000})


@kz.test
def a_zone_of_somebody_who_is_not_root_has_his_uid(t):
    kz.need_root()
    t.unprivileged()
    fake(t)
    configure(t, "a")
    t.svc_start()
    install(t, "a")
    call(t, "Boot", zone="a")
    kz.eq(ids(pid_of(t, "a"))[0], {kz.NOBODY})
    kz.has(proc(pid_of(t, "a"), "cmdline"), b"-z\0a\0")
    kz.eq(b"-u" in proc(pid_of(t, "a"), "cmdline"), False)


kz.main()
