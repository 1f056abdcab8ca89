# SPDX-License-Identifier: BSD-2-Clause
"""scripts/bench: what it lists and refuses; how figures become a result; one real pair."""

import json
import os
import shutil
import sys

import kz

sys.path.insert(0, os.path.join(kz.SOURCE, "tests", "bench"))
import benchlib
import manyzones
from benchlib import Metric

BENCH = os.path.join(kz.SOURCE, "scripts", "bench")


@kz.test
def every_benchmark_is_listed_with_a_description(t):
    lines = t.run(BENCH, "--list").stdout.splitlines()
    files = sorted(f for f in os.listdir(os.path.dirname(benchlib.__file__))
                   if f.startswith("bench_"))
    kz.eq([line.split()[0] for line in lines], [f[len("bench_"):-len(".py")] for f in files])
    for line in lines:
        kz.eq(len(line.split()) > 2, True, line)


@kz.test
def unknown_names_and_options_are_refused(t):
    kz.has(t.run(BENCH, "nonsense", status=1).stderr, "no benchmark 'nonsense'")
    kz.has(t.run(BENCH, "../bench/start", status=1).stderr, "no benchmark")
    kz.has(t.run(BENCH, "--nonsense", status=2).stderr, "unknown argument '--nonsense'")


@kz.test
def sides_alternate_and_take_turns(t):
    order = []
    benchlib.collect(lambda side: order.append(side) or {}, 4)
    kz.eq(order, ["ours", "peer", "peer", "ours"] * 2)


@kz.test
def without_a_peer_ours_runs_alone_and_limits_are_absolute(t):
    order = []
    seen = benchlib.collect(lambda side: order.append(side) or {"a": 7}, 3, peer=False)
    kz.eq(order, ["ours"] * 3)
    result = benchlib.summarize("x", [Metric("a", "ms", 5)], seen)
    kz.eq(result, {"name": "x", "runs": 3, "metrics": {
        "a": {"ours": 7, "peer": None, "limit": 5, "unit": "ms", "ratio": None}}})
    kz.has(benchlib.table(result), "over its limit")
    kz.has(benchlib.table(result), "medians of 3 runs")


@kz.test
def config_measures_a_list_and_a_commit(t):
    kz.find_program("svc.zones")
    script = os.path.join(os.path.dirname(benchlib.__file__), "bench_config.py")
    result = json.loads(t.run(sys.executable, script, "--json", "--runs", "1").stdout)
    kz.eq({name: m["limit"] for name, m in result["metrics"].items()},
          {"list_1000_ms": 100, "commit_ms": 20})
    for name, m in result["metrics"].items():
        kz.eq(m["ours"] > 0, True, name)


@kz.test
def many_zones_come_up_with_their_dependencies(t):
    kz.find_program("svc.zones")
    manyzones.populate(t.path(), 20, True, 4, kz.find_program("fakehost"))
    t.write("fake/log", "")
    t.svc_start(KZONES_KVM="/dev/null")
    manyzones.wait_online(t.path("run/zones/svc.zones.sock"), 20, kz.DEADLINE)
    begun = [line.split()[0] for line in t.read("fake/log").splitlines() if " begin " in line]
    kz.eq(sorted(begun), ["z%05d" % i for i in range(20)])
    for i in range(20):
        for d in manyzones.dependencies(i):
            kz.eq(begun.index("z%05d" % d) < begun.index("z%05d" % i), True, (d, i))


@kz.test
def a_result_has_medians_ratio_and_limit(t):
    seen = {"ours": [{"a": v, "b": 1} for v in (1, 9, 3)],
            "peer": [{"a": v} for v in (10, 12, 90)]}
    result = benchlib.summarize("x", [Metric("a", "ms", lambda peer: peer / 4),
                                      Metric("b", "MiB")], seen)
    kz.eq(result, {"name": "x", "runs": 3, "metrics": {
        "a": {"ours": 3, "peer": 12, "limit": 3, "unit": "ms", "ratio": 0.25},
        "b": {"ours": 1, "peer": None, "limit": None, "unit": "MiB", "ratio": None}}})
    result["metrics"]["a"]["ours"] = 3.5
    kz.has(benchlib.table(result), "over its limit")


@kz.test
def start_measures_both_sides(t):
    kz.need_kvm()
    if not shutil.which("qemu-system-x86_64"):
        raise kz.Skip("no qemu-system-x86_64")
    kz.find_program("kzhost")
    script = os.path.join(os.path.dirname(benchlib.__file__), "bench_start.py")
    result = json.loads(t.run(sys.executable, script, "--json", "--runs", "1").stdout)
    kz.eq((result["name"], result["runs"]), ("start", 1))
    kz.eq(sorted(result["metrics"]), ["cpu_ms", "overhead_mib", "wall_ms"])
    for name, m in result["metrics"].items():
        kz.eq(sorted(m), ["limit", "ours", "peer", "ratio", "unit"])
        kz.eq(m["ours"] > 0 and m["peer"] > 0, True, name)


@kz.test
def where_more_is_better_there_is_an_aim(t):
    seen = {"ours": [{"a": 12, "b": 70}], "peer": [{"a": 10, "b": 5}],
            "limit": [{"a": 20, "b": 100}]}
    metrics = [Metric("a", "iops", least_of_peer=1.3), Metric("b", "MB/s", least_of_limit=0.5)]
    result = benchlib.summarize("x", metrics, seen)
    kz.eq(result["metrics"], {
        "a": {"ours": 12, "peer": 10, "limit": 20, "unit": "iops", "ratio": 1.2,
              "limit_ratio": 0.6, "aim": 13},
        "b": {"ours": 70, "peer": 5, "limit": 100, "unit": "MB/s", "ratio": 14,
              "limit_ratio": 0.7, "aim": 50}})
    text = benchlib.table(result)
    kz.eq(text.count("below its aim, 13.00"), 1)
    kz.eq(text.count("below its aim"), 1)


@kz.test
def disk_measures_both_sides_and_the_host(t):
    kz.need_kvm()
    for program in ("qemu-system-x86_64", "fio"):
        if not shutil.which(program):
            raise kz.Skip("no " + program)
    kz.find_program("kzhost")
    script = os.path.join(os.path.dirname(benchlib.__file__), "bench_disk.py")
    result = json.loads(t.run(sys.executable, script, "--json", "--runs", "1",
                              KZ_BENCH_MS="50", KZ_BENCH_MIB="16", deadline=180).stdout)
    kz.eq(list(result["metrics"]),
          ["randread_4k_qd1_iops", "randread_4k_qd32_iops", "randwrite_4k_qd1_iops",
           "randwrite_4k_qd32_iops", "seqread_128k_mbps", "seqwrite_128k_mbps",
           "idle_cpu_percent", "overhead_two_disks_mib"])
    for name, m in list(result["metrics"].items())[:6]:
        for key in ("ours", "peer", "limit", "ratio", "limit_ratio", "aim"):
            kz.eq(m[key] > 0, True, "%s %s" % (name, key))
    kz.eq(result["metrics"]["overhead_two_disks_mib"]["ours"] > 0, True)


kz.main()
