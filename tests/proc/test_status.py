# SPDX-License-Identifier: BSD-2-Clause
"""status.json in all the states that zones can be in, against its schema."""

import copy
import json
import time

import kz
from restarter import (call, check_status, configure, install, mistakes, now, script, setup,
                       status)


def zone(t, name):
    """The zone in a status document that is as its schema says."""
    doc = check_status(t)
    return next(z for z in doc["zones"] if z["name"] == name)


def listed(t, name):
    """The zone as the document has it by now; {} when it has not."""
    return next((z for z in status(t)["zones"] if z["name"] == name), {})


def becomes(t, name, auxiliary):
    """Waits until a document has this reason of the zone; the instance as that one has it."""
    def that_has_it():
        doc = status(t)
        for z in doc["zones"]:
            if z["name"] == name and (z["instance"] or {}).get("auxiliary_state") == auxiliary:
                return doc, z["instance"]
        return None

    doc, i = kz.wait_for(that_has_it, "%s is %s" % (name, auxiliary))
    kz.eq(mistakes(doc), [])
    return i


def enable(t, name):
    call(t, "Enable", zone=name, temporary=True)


@kz.test
def zones_without_an_instance(t):
    setup(t)
    configure(t, "web")
    call(t, "Refresh", zone="web")
    kz.wait_for(lambda: listed(t, "web"), "it is listed")
    kz.eq(zone(t, "web")["instance"], None)
    install(t, "web")
    call(t, "Mark", zone="web", state="incomplete")
    kz.wait_for(lambda: zone(t, "web")["state"] == "incomplete", "it is incomplete")
    kz.eq(zone(t, "web")["boot"], None)


@kz.test
def an_unavailable_one(t):
    setup(t, "web")
    call(t, "Mark", zone="web", state="unavailable")
    i = becomes(t, "web", "storage_unavailable")
    kz.eq((zone(t, "web")["state"], i["state"], i["reason"]),
          ("unavailable", "maintenance", "marked unavailable by an administrator"))


@kz.test
def an_idle_one(t):
    setup(t, "web")
    i = becomes(t, "web", "disabled")
    kz.eq((i["state"], i["next_state"], i["progress"], i["attempts"], i["next_retry"],
           i["queue_position"]), ("disabled", "none", None, 0, None, None))
    z = zone(t, "web")
    kz.eq((z["pid"], z["memory_bytes"], z["cpu_usec"]), (None, 0, 0))
    kz.eq(z["boot"]["start_ms"], None)


@kz.test
def one_that_waits_for_another(t):
    configure(t, "web", depends=["db"])
    setup(t, "web", "db")
    enable(t, "web")
    i = becomes(t, "web", "dependency_unsatisfied")
    kz.eq((i["state"], i["reason"]),
          ("offline", "waiting for svc:/system/zones/zone:db (disabled)"))


@kz.test
def one_in_the_queue_behind_one_that_boots(t):
    t.write("etc/zones/svc.zones.json", '{"config": {"concurrent-boot-shutdown": 1}}')
    setup(t, "db", "web")
    script(t, "db", "create hang")
    enable(t, "db")
    i = becomes(t, "db", "starting")
    kz.eq((i["state"], i["next_state"], i["attempts"]), ("offline", "online", 1))
    kz.eq(i["progress"], {"phase": "starting", "deadline": None})
    enable(t, "web")
    kz.eq(becomes(t, "web", "waiting_for_slot")["queue_position"], 1)
    host = check_status(t)["host"]
    kz.eq((host["slots"], host["limits"]["concurrent_boot_shutdown"]),
          ({"used": 1, "queued": 1}, 1))
    kz.eq(host["totals"]["active"], 1)


@kz.test
def one_that_has_not_reached_its_goals_and_then_has(t):
    configure(t, "web", goals="console:ready")
    setup(t, "web")
    enable(t, "web")
    i = becomes(t, "web", "waiting_for_goals")
    kz.eq((i["progress"]["phase"], i["progress"]["deadline"] > i["since"]),
          ("running", True))
    boot = zone(t, "web")["boot"]
    kz.eq((boot["start_ms"] >= 0, boot["goals_ms"]), (True, None))
    now(t, "web", "goals")
    i = becomes(t, "web", "none")
    kz.eq((i["state"], i["progress"], i["reason"]), ("online", None, ""))
    z = zone(t, "web")
    kz.eq((z["boot"]["goals_ms"] >= 0, z["memory_bytes"], z["pid"] > 0),
          (True, 64 << 20, True))
    kz.eq(check_status(t)["host"]["totals"]["memory_bytes"], 64 << 20)


@kz.test
def cpu_time_is_that_of_the_process(t):
    setup(t, "web")
    enable(t, "web")
    becomes(t, "web", "none")

    def used():
        doc = call(t, "Status")["status"]
        kz.eq(mistakes(doc), [])
        return doc["zones"][0]["cpu_usec"] > 0

    kz.wait_for(used, "it has used some")


@kz.test
def one_that_is_tried_again(t):
    setup(t, "web")
    enable(t, "web")
    becomes(t, "web", "none")
    t.svc_kill()
    state = t.json("var/lib/zones/state.json")
    del state["check"]
    # After so many faults a minute passes until the next try: time enough to see it waiting.
    state["zones"]["web"]["faults_ms"] = [int(time.time() * 1000) - 1000] * 6
    t.write("var/lib/zones/state.json", json.dumps(state))
    t.svc_start()
    becomes(t, "web", "none")
    now(t, "web", "die")
    i = becomes(t, "web", "waiting_to_retry")
    kz.eq((i["failures"], i["next_retry"] > i["since"]), (1, True))


@kz.test
def one_whose_boot_failed(t):
    setup(t, "web")
    script(t, "web", "create fail no such kernel")
    enable(t, "web")
    i = becomes(t, "web", "boot_failed")
    kz.eq((i["state"], i["reason"]), ("maintenance", "boot failed: no such kernel"))
    kz.eq(check_status(t)["host"]["instances"]["maintenance"], 1)


@kz.test
def one_that_panicked(t):
    setup(t, "web")
    enable(t, "web")
    becomes(t, "web", "none")
    now(t, "web", "panic")
    becomes(t, "web", "guest_panicked")
    kz.eq(zone(t, "web")["auxiliary"], ["panicked"])


@kz.test
def one_that_is_being_stopped(t):
    configure(t, "web", shutdown_timeout=3600)
    setup(t, "web")
    script(t, "web", "shutdown hang")
    enable(t, "web")
    becomes(t, "web", "none")
    call(t, "Disable", zone="web", temporary=True)
    i = becomes(t, "web", "shutting_down")
    kz.eq((i["next_state"], i["progress"]["phase"]), ("disabled", "stopping"))
    kz.eq(i["progress"]["deadline"] is not None, True)


@kz.test
def one_whose_configuration_broke(t):
    setup(t, "web")
    t.write("etc/zones/web.json", "{")
    call(t, "Refresh", zone="web")
    becomes(t, "web", "configuration_error")
    kz.eq(zone(t, "web")["auxiliary"], ["no-config"])


@kz.test
def the_schema_refuses_what_is_not_in_it(t):
    setup(t, "web")
    becomes(t, "web", "disabled")
    good = check_status(t)
    for path, value in ((("version",), 2), (("zones", 0, "cpu_usec"), -1),
                        (("zones", 0, "more"), 1), (("host", "slots", "used"), "1"),
                        (("zones", 0, "instance", "auxiliary_state"), "tired"),
                        (("zones", 0, "instance", "since"), "yesterday"),
                        (("zones", 0, "boot", "start_ms"), 1.5)):
        bad = copy.deepcopy(good)
        at = bad
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        kz.eq(len(mistakes(bad)) > 0, True, path)


kz.main()
