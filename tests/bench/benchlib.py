# SPDX-License-Identifier: BSD-2-Clause
"""What benchmarks share: alternating runs, medians, the table, the JSON object.

A benchmark NAME is a file bench_NAME.py here; the first line of its text describes it:

    def measure(side):          # side is "ours" or "peer"
        return {"wall_ms": ..., ...}

    benchlib.main("NAME", [Metric("wall_ms", "ms", ...)], measure, runs=10)

Absolute figures of a shared machine are noise: each pair of runs is ours and peer's, one
after the other, in turns who goes first, and the ratio of the medians is what counts. What
has no peer passes peer=False, and absolute limits.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

BUILD = os.environ.get("KZ_BUILD") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build-bench")


class Metric:
    """One figure. limit is the most that ours may be: a number, or a function of the peer's
    median. A figure of which more is better has a limit that is measured beside ours and peer's
    (a third side, "limit"), and aims: how many times the peer's, or the limit's, ours shall be at
    least."""

    def __init__(self, name, unit, limit=None, least_of_peer=None, least_of_limit=None):
        self.name = name
        self.unit = unit
        self.limit = limit
        self.least_of_peer = least_of_peer
        self.least_of_limit = least_of_limit

    def more_is_better(self):
        return bool(self.least_of_peer or self.least_of_limit)


def build_path(*parts):
    """A file of the build folder."""
    return os.path.join(BUILD, *parts)


def run_json(*args):
    """Runs a program that prints a JSON object; the object."""
    result = subprocess.run(args, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise RuntimeError("%s: exit status %d" % (" ".join(args), result.returncode))
    return json.loads(result.stdout)


def collect(measure, runs, tell=lambda text: None, peer=True):
    """Measures both sides (or only ours) `runs` times; {side: [figures, ...]}."""
    seen = {"ours": [], "peer": []}
    for i in range(runs):
        for side in (("ours", "peer") if i % 2 == 0 else ("peer", "ours")) if peer else ("ours",):
            seen[side].append(measure(side))
        tell("run %d of %d" % (i + 1, runs))
    return seen


def median(figures, name):
    """The median of a metric, or None where it does not apply."""
    values = [f[name] for f in figures if f.get(name) is not None]
    return round(statistics.median(values), 3) if values else None


def summarize(name, metrics, seen):
    """The object that --json prints."""
    result = {"name": name, "runs": len(seen["ours"]), "metrics": {}}
    for m in metrics:
        ours, peer = median(seen["ours"], m.name), median(seen["peer"], m.name)
        limit = ratio = None
        if m.limit and not callable(m.limit):
            limit = m.limit
        elif m.limit and peer is not None:
            limit = round(m.limit(peer), 3)
        if ours is not None and peer:
            ratio = round(ours / peer, 4)
        result["metrics"][m.name] = {"ours": ours, "peer": peer, "limit": limit,
                                     "unit": m.unit, "ratio": ratio}
        if m.more_is_better():
            result["metrics"][m.name].update(aims(m, ours, peer, median(seen["limit"], m.name)))
    return result


def aims(metric, ours, peer, limit):
    """What a metric has besides when more is better: the measured limit, ours / limit, the least
    that ours shall be."""
    aim = (metric.least_of_peer * peer if metric.least_of_peer
           else metric.least_of_limit * limit)
    return {"limit": limit, "limit_ratio": round(ours / limit, 4), "aim": round(aim, 3)}


def verdict(m):
    """What a line of the table ends with when ours is not as it should be."""
    if m["ours"] is None:
        return ""
    if "aim" in m:
        return "" if m["ours"] >= m["aim"] else "  below its aim, %.2f" % m["aim"]
    return "  over its limit" if m["limit"] is not None and m["ours"] > m["limit"] else ""


def table(result):
    """The same for people."""
    width = max(16, *(len(name) for name in result["metrics"]))
    lines = ["%-*s %12s %12s %8s %12s" % (width, "METRIC", "OURS", "PEER", "RATIO", "LIMIT")]
    for name, m in result["metrics"].items():
        cells = ["-" if m[k] is None else "%.*f" % (3 if k == "ratio" else 2, m[k])
                 for k in ("ours", "peer", "ratio", "limit")]
        lines.append("%-*s %12s %12s %8s %12s  %s%s" % (width, name, *cells, m["unit"],
                                                        verdict(m)))
    alone = all(m["peer"] is None for m in result["metrics"].values())
    lines.append("medians of %d %s" % (result["runs"], "runs" if alone else "alternating pairs"))
    return "\n".join(lines)


def main(name, metrics, measure, runs, peer=True, collect=collect):
    """Runs the benchmark as the command line says; exits. A benchmark that takes turns in a
    way of its own has its own collect()."""
    parser = argparse.ArgumentParser(prog="scripts/bench " + name)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=runs, metavar="N")
    args = parser.parse_args()
    if args.runs < 1:
        parser.error("--runs must be at least 1")

    def tell(text):
        if sys.stderr.isatty():
            print("\r" + text, end="\033[K", file=sys.stderr, flush=True)

    try:
        result = summarize(name, metrics, collect(measure, args.runs, tell, peer))
    except (RuntimeError, OSError, ValueError) as e:
        sys.exit("bench: %s: %s" % (name, e))
    tell("\r")
    print(json.dumps(result) if args.json else table(result))
    sys.exit(0)
