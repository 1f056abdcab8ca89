# SPDX-License-Identifier: BSD-2-Clause
"""kzhosts that lie, hang, garble and die; and svc.zones that does."""

import os
import signal

import kz
from restarter import call, check_status, configure, log, now, refused, script, setup, status

# Long enough for a fake kzhost to begin, which a busy machine may take seconds for.
FAST = {"KZONES_STEP_TIMEOUT_MS": "5000"}


def crash(t, words, *lines, **env):
    """A boot with this script must be reported with these words; the next one works."""
    setup(t, "db", **env)
    script(t, "db", *lines)
    c = t.connect()
    c.send("Boot", {"zone": "db"})
    t.wait_text("var/log/zones/messages.db", words)
    kz.eq(t.svc.alive(), True)
    script(t, "db")
    try:
        call(t, "Boot", zone="db")  # at once, not after the back-off
    except kz.VarlinkError as e:
        kz.has(e.name, "BadState")  # it is being booted
    t.wait_instance("db", "online")
    kz.eq(kz.children(), [t.svc.pid], "no kzhost was left to us")


@kz.test
def dies_at_hello(t):
    crash(t, "killed by signal 9", "hello die")


@kz.test
def dies_at_create(t):
    crash(t, "killed by signal 9", "create die")


@kz.test
def dies_at_start(t):
    crash(t, "killed by signal 9", "start die")


@kz.test
def exits_without_a_word(t):
    crash(t, "ended with status 3 and without a word", "create exit 3")


@kz.test
def hangs_at_hello(t):
    crash(t, "did not answer hello in time", "hello hang", **FAST)


@kz.test
def hangs_at_create(t):
    crash(t, "did not answer create in time", "create hang", **FAST)


@kz.test
def hangs_at_start(t):
    crash(t, "did not answer start in time", "start hang", **FAST)


@kz.test
def sends_garbage(t):
    crash(t, "sent garbage", "create garbage")


@kz.test
def sends_half_an_answer(t):
    crash(t, "sent garbage", "start short")


@kz.test
def answers_twice(t):
    crash(t, "which was not asked", "create twice")


@kz.test
def answers_another_number(t):
    crash(t, "which was not asked", "create seq")


@kz.test
def answers_another_request(t):
    crash(t, "which was not asked", "start id")


@kz.test
def sends_descriptors(t):
    crash(t, "sent descriptors", "hello fds")


@kz.test
def says_that_it_has_a_zone_already(t):
    crash(t, "has a zone already", "hello state 2")


@kz.test
def refuses_create(t):
    crash(t, "the kernel is neither ELF nor bzImage",
          "create fail the kernel is neither ELF nor bzImage")
    kz.eq(any("maintenance" in line and "neither" in line for line in
              t.read("var/log/zones/messages.db").splitlines()), True)


@kz.test
def refuses_start_with_exiting(t):
    crash(t, "no room for it", "start exiting failed no room for it")


@kz.test
def says_halted_when_nobody_asked(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    now(t, "db", "exiting halted")
    t.wait_text("var/log/zones/messages.db", "nobody asked for it")
    t.wait_instance("db", "online")


@kz.test
def floods(t):
    setup(t, "db", "web")
    call(t, "Boot", zone="db")
    now(t, "db", "flood")
    kz.wait_for(lambda: "panicked" in t.zone("db")["auxiliary"], "panicked")
    call(t, "Boot", zone="web")
    t.wait_instance("web", "online")
    call(t, "Halt", zone="db")
    kz.eq(t.zone("db")["state"], "installed")


@kz.test
def killed_while_running_is_booted_again(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    first = t.instance("db")["contract"]
    os.kill(first, signal.SIGKILL)
    kz.wait_for(lambda: t.instance("db")["contract"] not in (0, first), "another kzhost")
    t.wait_instance("db", "online")
    kz.has(t.read("var/log/zones/messages.db"), "killed by signal 9")


@kz.test
def three_crashes_in_a_row_are_maintenance(t):
    setup(t, "db")
    script(t, "db", "start die")
    c = t.connect()
    c.send("Boot", {"zone": "db"})
    t.wait_instance("db", "maintenance")
    kz.eq(len([e for e in log(t) if e == ("db", "start")]), 3)
    check_status(t)


@kz.test
def kzhost_is_not_there(t):
    setup(t, "db")
    os.unlink(t.path("libexec/kzhost"))
    kz.has(refused(t, "Failed", "Boot", zone="db"), "libexec/kzhost: No such file")
    t.wait_instance("db", "maintenance")


@kz.test
def killed_restarter_adopts_both_zones(t):
    setup(t, "db", "web")
    call(t, "Boot", zone="db")
    call(t, "Boot", zone="web")
    before = [t.instance(z) for z in ("db", "web")]
    ids = [t.zone(z)["id"] for z in ("db", "web")]
    t.svc_kill()
    t.svc_start()
    after = [t.instance(z) for z in ("db", "web")]
    kz.eq([i["contract"] for i in after], [i["contract"] for i in before])
    kz.eq([i["state"] for i in after], ["online", "online"])
    kz.eq([t.zone(z)["id"] for z in ("db", "web")], ids)
    kz.eq([i["enabled_temporary"] for i in after], [True, True])
    kz.eq(len([e for e in log(t) if e[1] == "start"]), 2)
    check_status(t)
    kz.eq(status(t, "db")["boot"]["started"] is not None, True)
    # They are ours in every way: seen when they die, and ended when asked.
    os.kill(after[0]["contract"], signal.SIGKILL)
    kz.wait_for(lambda: t.instance("db")["contract"] not in (0, after[0]["contract"]),
                "db was booted again")
    call(t, "Halt", zone="web")
    kz.eq(t.zone("web")["state"], "installed")
    kz.eq(t.svc_stop(), 0)


@kz.test
def machine_that_was_never_started_is_made_anew_at_adoption(t):
    setup(t, "db")
    script(t, "db", "start hang")
    c = t.connect()
    c.send("Boot", {"zone": "db"})
    kz.wait_for(lambda: ("db", "start") in log(t), "start was asked")
    pid = t.instance("db")["contract"]
    t.svc_kill()
    script(t, "db")
    t.svc_start()
    kz.has(t.svc.output(), "never started")
    t.wait_instance("db", "online")
    kz.eq(t.instance("db")["contract"] != pid, True)


@kz.test
def what_a_host_says_at_its_end_counts_though_it_is_gone_at_adoption(t):
    for cause, state in (("poweroff", "disabled"), ("reset", "online")):
        setup(t, cause)
        call(t, "Boot", zone=cause)
        begun = log(t).count((cause, "begin"))
        t.svc_kill()
        script(t, cause, "hello ended " + cause)
        t.svc_start()
        script(t, cause)
        t.wait_instance(cause, state)
        kz.eq(t.instance(cause)["contract"] != 0, cause == "reset")
        kz.eq(log(t).count((cause, "begin")), begun + (cause == "reset"))
        kz.eq("crashed" in t.read("var/log/zones/messages." + cause), False)
        kz.eq(t.svc_stop(), 0)


@kz.test
def a_host_that_lies_about_its_uuid_is_not_adopted(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    pid = t.instance("db")["contract"]
    t.svc_kill()
    script(t, "db", "hello uuid")
    t.svc_start()
    kz.has(t.svc.output(), "another uuid")
    script(t, "db")
    kz.wait_for(lambda: t.instance("db")["contract"] not in (0, pid), "a new boot")
    t.wait_instance("db", "online")


@kz.test
def a_host_that_does_not_answer_at_adoption_is_ended_by_halt(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    pid = t.instance("db")["contract"]
    t.svc_kill()
    script(t, "db", "hello hang")
    t.svc_start(**FAST)
    out = "a kzhost (process %d) that does not answer svc.zones serves the zone: " \
          "zoneadm -z db halt ends it" % pid
    kz.has(t.svc.output(), out)
    kz.eq(t.instance("db")["reason"], out)
    kz.has(refused(t, "Failed", "Boot", zone="db"), out)
    kz.eq(t.instance("db")["state"], "maintenance")
    kz.has(refused(t, "Failed", "Begin", zone="db", operation="uninstall"), out)
    t.run("zoneadm", "-z", "db", "halt")
    kz.eq(kz.children(), [t.svc.pid], "it was ended")
    kz.has(t.svc.output(), "kzhost (process %d), which did not answer, has ended" % pid)
    after = t.instance("db")
    kz.eq((after["state"], after["enabled"], after["reason"]),
          ("disabled", False, "disabled"))
    script(t, "db")
    call(t, "Boot", zone="db")
    kz.eq(t.instance("db")["state"], "online")
    kz.eq(t.instance("db")["contract"] != pid, True)


@kz.test
def a_host_that_sends_descriptors_at_adoption_is_ended_by_halt(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    t.svc_kill()
    script(t, "db", "hello fds")
    t.svc_start()
    kz.has(t.instance("db")["reason"], "zoneadm -z db halt ends it")
    t.run("zoneadm", "-z", "db", "halt")
    kz.eq(kz.children(), [t.svc.pid], "it was ended")
    kz.eq(t.instance("db")["state"], "disabled")


@kz.test
def a_host_of_another_version_runs_on_until_it_is_halted(t):
    """As after an update of kzones: a guest is not ended for that."""
    setup(t, "db")
    for size in (120, 136, 24):  # as it is now, and as it may become
        script(t, "db")
        call(t, "Boot", zone="db")
        pid = t.instance("db")["contract"]
        t.svc_kill()
        script(t, "db", "hello version %d" % size)
        t.svc_start()
        out = "a kzhost (process %d) of another version of kzones (protocol 2, here 1) serves " \
              "the zone: shut its guest down from within, or zoneadm -z db halt ends it" % pid
        kz.has(t.svc.output(), out)
        kz.eq(t.instance("db")["reason"], out)
        kz.has(refused(t, "Failed", "Boot", zone="db"), out)
        kz.eq(os.path.exists("/proc/%d" % pid), True, "it runs on")
        t.run("zoneadm", "-z", "db", "halt")
        kz.eq(kz.children(), [t.svc.pid], "it was ended")


@kz.test
def a_new_host_of_another_version_says_so(t):
    setup(t, "db")
    script(t, "db", "hello version 120")
    kz.has(refused(t, "Failed", "Boot", zone="db"), "is of another version of kzones: hello: "
           "kzhost speaks version 2, not 1")


@kz.test
def a_host_that_did_not_answer_may_end_by_itself(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    pid = t.instance("db")["contract"]
    t.svc_kill()
    os.kill(pid, signal.SIGSTOP)
    t.svc_start(**FAST)
    os.kill(pid, signal.SIGKILL)
    t.wait_instance("db", "online")
    kz.eq(t.instance("db")["contract"] != pid, True)


@kz.test
def zone_that_died_meanwhile_is_booted_again(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    pid = t.instance("db")["contract"]
    t.svc_kill()
    os.kill(pid, signal.SIGKILL)
    t.svc_start()
    t.wait_instance("db", "online")
    kz.eq(t.instance("db")["contract"] != pid, True)


@kz.test
def zone_that_powered_off_meanwhile_is_down(t):
    setup(t, "db")
    call(t, "Boot", zone="db")
    call(t, "Halt", zone="db")
    t.svc_kill()
    t.svc_start()
    kz.eq(t.instance("db")["state"], "disabled")
    kz.eq(t.instance("db")["contract"], 0)


@kz.test
def killed_restarter_adopts_what_autoboot_started(t):
    configure(t, "db", autoboot=True)
    setup(t, "db", KZONES_BOOT_ID="one")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="two")
    t.wait_instance("db", "online")
    before = t.instance("db")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="two")
    after = t.instance("db")
    kz.eq((after["state"], after["next_state"]), ("online", "none"))
    kz.eq(after["contract"], before["contract"])
    kz.eq((after["enabled"], after["enabled_temporary"]), (True, False))
    # Edited while nobody was there to be told, autoboot still means the next host boot.
    t.svc_kill()
    configure(t, "db", autoboot=False)
    t.svc_start(KZONES_BOOT_ID="two")
    after = t.instance("db")
    kz.eq((after["state"], after["next_state"]), ("online", "none"))
    kz.eq((after["enabled"], after["enabled_temporary"]), (True, True))


@kz.test
def same_host_boot_replays_no_autoboot(t):
    configure(t, "db", autoboot=True)
    setup(t, "db", KZONES_BOOT_ID="one")
    call(t, "Boot", zone="db")
    call(t, "Halt", zone="db")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="one")
    kz.eq(t.instance("db")["state"], "disabled")
    t.svc_kill()
    t.svc_start(KZONES_BOOT_ID="two")
    t.wait_instance("db", "online")
    kz.eq(t.zone("db")["id"], 1)
    kz.eq(t.instance("db")["enabled_temporary"], False)


kz.main()
