# SPDX-License-Identifier: BSD-2-Clause
"""What a real kzhost still has of the host once it serves, as the kernel tells it."""

import os
import re
import resource

import kz
from fake_restarter import Host


def proc(host, name):
    with open("/proc/%d/%s" % (host.pid, name), "rb") as f:
        return f.read()


def serving(t, **how):
    """A kzhost that has answered HELLO, and so has confined itself."""
    host = Host(t, **how)
    host.connect().close()
    return host


def limits(host):
    """{name: (soft, hard)} of /proc/PID/limits."""
    return {m.group(1): (m.group(2), m.group(3)) for m in
            re.finditer(r"^(Max [a-z ]+?) {2,}(\w+) +(\w+)", proc(host, "limits").decode(), re.M)}


@kz.test
def nothing_is_left_of_the_environment(t):
    kz.need_root()  # to look
    os.environ["KZ_TEST_SECRET"] = "tell nobody"
    environ = proc(serving(t), "environ")
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


kz.main()
