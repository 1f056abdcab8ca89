# SPDX-License-Identifier: BSD-2-Clause
"""The harness for whole programs, tested on programs that every machine has."""

import os
import signal

import kz


@kz.test
def a_private_root_holds_files(t):
    t.write("etc/zones/x.json", "{\"a\": 1}")
    kz.eq(t.json("/etc/zones/x.json"), {"a": 1})
    kz.has(t.env()["KZONES_ROOT"], "kz-test.")


@kz.test
def exit_statuses_are_checked(t):
    kz.eq(t.run("/bin/sh", "-c", "echo hello; exit 3", status=3).stdout, "hello\n")
    try:
        t.run("/bin/false")
    except AssertionError:
        return
    raise AssertionError("a failing program passed")


@kz.test
def background_programs_end_by_signal(t):
    process = t.start("/bin/cat", "/dev/zero", log="/dev/null")
    kz.eq(process.stop(signal.SIGTERM), -signal.SIGTERM)


@kz.test
def orphans_are_adopted_and_ended(t):
    t.run("/bin/sh", "-c", "exec 1>/dev/null 2>&1; sleep 1000 & echo $! > %s" % t.path("pid"))
    pid = int(t.read("pid"))
    kz.wait_for(lambda: pid in kz.children(), "the orphan is ours")
    kz.end_adopted()
    kz.eq(os.path.exists("/proc/%d" % pid), False)


@kz.test
def waiting_has_a_deadline(t):
    try:
        kz.wait_for(lambda: False, "the impossible", deadline=0.05)
    except AssertionError as e:
        kz.has(str(e), "the impossible")
        return
    raise AssertionError("waited for ever")


kz.main()
