#!/usr/bin/env python3
"""Reads the lines of interleaved rounds and prints medians and ratios.

Each input line is `SYSTEM name value unit cpu_us_per_op [notes]`, as
executors.sh writes it; a line with another shape is passed over. Ratios are of
CPU time for each operation (a peer's by ours): it moves least on a machine that
others use too.
"""

import statistics
import sys

OURS = "executor"
PEERS = ["asio", "tbb", "std", "asyncio", "uvloop"]


def read(lines):
    rows = {}
    for line in lines:
        words = line.split()
        if len(words) < 5:
            continue
        try:
            value, cpu = float(words[2]), float(words[4])
        except ValueError:
            continue
        rows.setdefault(words[1], {}).setdefault(words[0], []).append(
            (value, words[3], cpu, " ".join(words[5:])))
    return rows


def median(runs, index):
    return statistics.median(run[index] for run in runs)


def nanoseconds(microseconds):
    return "%.3g" % (microseconds * 1e3)


def cell(runs, ours):
    if not runs:
        return ""
    if runs[0][1] != "/s":
        return "%.0f %s" % (median(runs, 0), runs[0][1])
    cpu = median(runs, 2)
    ratio = " (%.3gx)" % (cpu / median(ours, 2)) if ours else ""
    return "%s, %s%s" % (nanoseconds(1e6 / median(runs, 0)), nanoseconds(cpu),
                         ratio)


def main():
    rows = read(sys.stdin)
    print("ns an operation by the clock, ns of CPU (of ours); medians")
    print("| row | ours | min .. max by the clock | floor | %s |" %
          " | ".join(PEERS))
    print("|---" * (4 + len(PEERS)) + "|")
    for name, systems in rows.items():
        ours = systems.get(OURS)
        if ours is None:
            continue
        spread = ""
        if ours[0][1] == "/s":
            spread = "%s .. %s" % (nanoseconds(1e6 / max(r[0] for r in ours)),
                                   nanoseconds(1e6 / min(r[0] for r in ours)))
        floor = rows.get("floor_" + name, {}).get("std")
        print("| `%s` | %s | %s | %s | %s |" %
              (name, cell(ours, None), spread,
               cell(floor, ours) if floor else "",
               " | ".join(cell(systems.get(peer), ours) for peer in PEERS)))


if __name__ == "__main__":
    main()
