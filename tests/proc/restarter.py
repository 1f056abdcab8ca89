# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of svc.zones share: zones by file, a fake kzhost, the schema of status.json."""

import fcntl
import json
import os
import struct

import kz

FAKE = os.path.join(kz.SOURCE, "tests/proc/fake_kzhost.py")
# The fake needs no KVM; svc.zones shall find something that it can open.
os.environ.setdefault("KZONES_KVM", "/dev/null")
MIB = 1 << 20
READ_ONLY, BOOTABLE, DISCARD, ZERO = 1, 2, 4, 8  # flags of DISK
SCHEMA = os.path.join(kz.SOURCE, "manifests/schema/status.schema.json")


def fake(t):
    """From now on this root's kzhost is the fake one."""
    path = t.path("libexec/kzhost")
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(FAKE, path)
    t.write("fake/log", "")
    t.write("kernel", "a kernel")


def script(t, zone, *lines):
    """What the zone's fake kzhost shall do (fake_kzhost.py)."""
    t.write("fake/" + zone, "".join(line + "\n" for line in lines))


def now(t, zone, line):
    """Make the running fake kzhost of a zone do something now."""
    t.write("fake/%s.now" % zone, "now " + line + "\n")
    os.kill(t.instance(zone)["contract"], 10)


def configure(t, zone, depends=(), memory="64M", kernel=True, **properties):
    """Write a zone's configuration, as zonecfg would."""
    config = {"version": 1, "capped-memory": {"physical": memory},
              "virtual-cpu": {"ncpus": 1}}
    if kernel:
        config["direct-boot"] = {"kernel": t.path("kernel") if kernel is True else kernel}
    if depends:
        config["smf-dependency"] = [{"fmri": "svc:/system/zones/zone:" + d} for d in depends]
    config.update({k.replace("_", "-"): v for k, v in properties.items()})
    t.write("etc/zones/%s.json" % zone, json.dumps(config))


def install(t, zone):
    """Begin and End, as zoneadm install does; the uuid."""
    c = t.connect()
    uuid = c.call("Begin", zone=zone, operation="install")["uuid"]
    c.call("End", zone=zone, success=True)
    c.close()
    return uuid


def call(t, method, **parameters):
    """One call on a connection of its own."""
    c = t.connect()
    try:
        return c.call(method, **parameters)
    finally:
        c.close()


def refused(t, error, method, **parameters):
    """A call that must fail with this error; its message."""
    try:
        call(t, method, **parameters)
    except kz.VarlinkError as e:
        kz.eq(e.name.rsplit(".", 1)[1], error, e.parameters)
        return e.parameters["message"]
    raise AssertionError("%s %r was not refused" % (method, parameters))


def setup(t, *zones, **env):
    """svc.zones with installed zones whose kzhost is the fake."""
    fake(t)
    for zone in zones:
        if not os.path.exists(t.path("etc/zones/%s.json" % zone)):
            configure(t, zone)
    t.svc_start(**env)
    for zone in zones:
        install(t, zone)


def image(t, name, size):
    path = t.path(name)
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def told(t, zone):
    """What the fake kzhost was told with DISK: one dictionary each."""
    return [json.loads(line) for line in t.read("fake/%s.disks" % zone).splitlines()]


def lock(path, kind=fcntl.F_WRLCK):
    """A descriptor with a lock of open file description on the whole file."""
    f = open(path, "r+b")
    fcntl.fcntl(f, fcntl.F_OFD_SETLK, struct.pack("hhqqixxxx", kind, 0, 0, 0, 0))
    return f


def disk(path, number=0, **properties):
    return dict({"storage": "file:" + path, "id": number}, **properties)


def log(t):
    """What fakes have done: [(zone, what)]."""
    return [tuple(line.split()[:2]) for line in t.read("fake/log").splitlines()]


def status(t, zone=None):
    """status.json, or one zone of it."""
    doc = t.json("run/zones/status.json")
    if zone is None:
        return doc
    return next(z for z in doc["zones"] if z["name"] == zone)


def as_nobody(fn):
    """Run fn as nobody, in a child that lives on until its return value, a text, was read;
    that text, and a function that ends the child."""
    kz.need_root()
    read, write = os.pipe()
    wait, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(end)
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            result = fn()
        except BaseException as e:
            result = repr(e)
        os.write(write, result.encode())
        os.read(wait, 1)
        os._exit(0)
    os.close(write)
    os.close(wait)
    answer = os.read(read, 4096).decode()
    os.close(read)

    def finish():
        os.close(end)
        os.waitpid(pid, 0)

    return answer, finish


def maintenance(t, zone, *parts, state="installed"):
    """Boots the zone, which must end in maintenance for a reason with these parts."""
    kz.eq(t.zone(zone)["state"], "installed")
    try:
        call(t, "Boot", zone=zone)
    except kz.VarlinkError as e:
        kz.has(e.parameters["message"], parts[0])
    t.wait_instance(zone, "maintenance")
    reason = t.instance(zone)["reason"]
    for part in parts:
        kz.has(reason, part)
    kz.has(t.read("var/log/zones/messages." + zone), parts[0])
    kz.eq(t.zone(zone)["state"], state)


def unavailable(t, zone, *parts):
    """The same for want of its storage: the zone is unavailable, too."""
    maintenance(t, zone, *parts, state="unavailable")
    kz.eq(t.instance(zone)["auxiliary_state"], "storage_unavailable")
    kz.has(t.read("var/log/zones/messages." + zone), "installed -> unavailable")


def validator():
    """The validator of status.json's schema, which itself is checked."""
    try:
        import jsonschema
    except ImportError:
        raise kz.Skip("no python3-jsonschema")
    with open(SCHEMA) as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def mistakes(doc):
    """What is wrong with a status document, one line each."""
    return ["$%s: %s" % ("".join("[%r]" % p for p in e.absolute_path), e.message[:300])
            for e in validator().iter_errors(doc)]


def check_status(t):
    """status.json is as its schema says; the document."""
    doc = status(t)
    kz.eq(mistakes(doc), [])
    return doc
