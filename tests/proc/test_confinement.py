# SPDX-License-Identifier: BSD-2-Clause
"""What a real kzhost still has of the host once it serves, as the kernel tells it."""

import os
import re
import resource
import stat

import kz
from fake_restarter import (HELLO_SECCOMP, HELLO_UID, Client, Host, capabilities,
                            exit_status)
from restarter import call, check_status, configure, fake, install, maintenance, status
from restarter import log as fake_log

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


def without_setgid():
    """A wrapper that takes this capability; none when we are not root and have none anyway."""
    return ["/usr/bin/setpriv", "--bounding-set=-setgid"] if os.geteuid() == 0 else []


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
    told = c.hello_reply["confined"]
    kz.eq(told & (HELLO_UID | HELLO_SECCOMP), HELLO_UID | HELLO_SECCOMP)
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
    host = Host(t, args=("-u", str(UID)), wrapper=without_setgid())
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


OWN = ("net", "ipc", "uts", "cgroup", "mnt")


def namespaces(pid, names=OWN):
    return [os.readlink("/proc/%s/ns/%s" % (pid, name)) for name in names]


@kz.test
def zones_share_namespaces_with_nothing_in_them(t):
    kz.need_root()
    zones_with_kvm(t, "a", "b")
    a, b = pid_of(t, "a"), pid_of(t, "b")
    kz.eq(namespaces(a), namespaces(b))
    kz.eq([x == y for x, y in zip(namespaces(a), namespaces("self"))], [False] * len(OWN))
    kz.eq(namespaces(a, ("pid", "user")), namespaces("self", ("pid", "user")))
    kz.eq(os.listdir("/proc/%d/root/" % a), [])
    kz.eq(os.readlink("/proc/%d/cwd" % a), "/")
    mounts = proc(a, "mountinfo").decode().splitlines()
    kz.eq(len(mounts), 1, mounts)
    kz.has(mounts[0], " / / ro,nosuid,nodev,noexec")
    for name in os.listdir("/proc/%d/fd" % a):
        path = "/proc/%d/fd/%s" % (a, name)
        kz.eq(os.path.isdir(path) or "ns:[" in os.readlink(path), False, os.readlink(path))
    t.svc_kill()
    t.svc_start(**KVM)
    boot_new(t, "c")
    kz.eq(namespaces(a), namespaces(b))
    kz.eq(os.listdir("/proc/%d/root/" % pid_of(t, "c")), [])
    kz.eq(t.svc_stop(), 0)


def svc_without(t, lacks, **env):
    """svc.zones on a kernel without these calls."""
    t.svc = t.start(kz.find_program("without"), lacks, t._program("svc.zones"), **env)
    kz.wait_for(lambda: t.connect().call("Status"), "svc.zones answers")


@kz.test
def what_root_should_have_and_has_not_keeps_zones_from_booting(t):
    kz.need_root()
    fake(t)
    configure(t, "a")
    svc_without(t, "unshare")
    install(t, "a")
    maintenance(t, "a", "confinement: a new net namespace: Operation not permitted")
    kz.eq(fake_log(t), [])


@kz.test
def a_kernel_that_refuses_others_namespaces_is_no_reason_not_to_boot(t):
    t.unprivileged()
    fake(t)
    configure(t, "a")
    svc_without(t, "unshare")
    install(t, "a")
    call(t, "Boot", zone="a")
    why = "a new user namespace: Operation not permitted"
    kz.has(t.svc.output(), "zones run in the namespaces of svc.zones: " + why)
    kz.has(confinement(t, "a")["lacks"], "it is in namespaces of svc.zones: " + why)


def confinement(t, zone):
    """As status.json and Instances tell it, once it is told; both are the same."""
    kz.wait_for(lambda: any(z["name"] == zone and z["confinement"]
                            for z in status(t)["zones"]), "the confinement of " + zone)
    check_status(t)
    kz.eq(t.instance(zone)["confinement"], status(t, zone)["confinement"])
    return status(t, zone)["confinement"]


@kz.test
def how_a_zone_is_confined_is_told_and_true(t):
    kz.need_root()
    zones_with_kvm(t, "a")
    pid = pid_of(t, "a")
    has = capabilities(proc(pid, "status").decode())
    told = {"uid": UID, "namespaces": ["net", "ipc", "uts", "cgroup", "mount"], "seccomp": True,
            "capabilities": ["ipc_lock"] if has & kz.CAP_IPC_LOCK else [], "lacks": None}
    kz.eq(confinement(t, "a"), told)
    kz.eq((ids(pid)[0], has & ~kz.CAP_IPC_LOCK), ({UID}, 0))
    line = ("\nconfinement  uid %d, namespaces net ipc uts cgroup mount, capabilities %s, seccomp\n"
            % (UID, "ipc_lock" if has else "none"))
    text = t.run("svcs", "-l", "a").stdout
    kz.has(text, line)
    kz.eq("unconfined" in text, False)
    t.svc_kill()
    t.svc_start(**KVM)
    kz.eq(confinement(t, "a"), told)
    call(t, "Halt", zone="a")
    kz.wait_for(lambda: status(t, "a")["confinement"] is None, "no machine")
    kz.eq(t.svc_stop(), 0)


@kz.test
def what_a_zone_lacks_is_told(t):
    fake(t)  # it does nothing to confine itself, and says so
    configure(t, "a")
    t.svc_start()
    install(t, "a")
    call(t, "Boot", zone="a")
    lacks = ("it has the uid of svc.zones; it is in namespaces of svc.zones; "
             "it has no filters of system calls")
    kz.eq(confinement(t, "a"), {"uid": os.geteuid(), "namespaces": [], "seccomp": False,
                                "capabilities": [], "lacks": lacks})
    kz.has(t.run("svcs", "-l", "a").stdout, "\nconfinement  uid %d, namespaces none, capabilities "
           "none\nunconfined   %s\n" % (os.geteuid(), lacks))


@kz.test
def who_is_not_root_confines_zones_as_far_as_it_goes(t):
    kz.need_kvm()
    device = t.path("kvm")
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.stat("/dev/kvm").st_rdev)
        os.chmod(device, 0o666)
        os.close(os.open(device, os.O_RDWR))
    except OSError as e:
        raise kz.Skip("a device that nobody may use: %s" % e.strerror)
    t.unprivileged()
    configure(t, "a", memory="6M", kernel=t.path("libexec/guest.elf"))
    t.svc_start(KZONES_KVM=device)
    install(t, "a")
    call(t, "Boot", zone="a")
    t.wait_instance("a", "online")
    told = confinement(t, "a")
    kz.eq((told["uid"], told["seccomp"], told["capabilities"]), (kz.NOBODY, True, []))
    kz.eq(ids(pid_of(t, "a"))[0], {kz.NOBODY})
    kz.has(told["lacks"], "it has the uid of svc.zones")
    if "a new user namespace" in t.svc.output():
        raise kz.Skip("this kernel refuses them user namespaces")
    kz.eq(told["namespaces"], ["user", "net", "ipc", "uts", "cgroup", "mount"])
    kz.eq(told["lacks"], "it has the uid of svc.zones")
    if os.geteuid() == 0:
        kz.eq(os.listdir("/proc/%d/root/" % pid_of(t, "a")), [])


kz.main()
