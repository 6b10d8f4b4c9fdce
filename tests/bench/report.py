#!/usr/bin/env python3
"""Reads the lines of interleaved rounds and prints medians and ratios.

Each input line is `SYSTEM name value unit cpu_us_per_op [notes]`, as run.sh
writes it; a line with another shape is passed over. Rows of higher-is-better
(/s, GB/s) are compared as ours / other, times as other / ours.
"""

import statistics
import sys

# Row of ours: (floor probe, how many of it one operation needs).
FLOORS = {
    "actor_sync": ("futex_rtt", 1),
    "actor_pipe": ("ring", 1),
    "task_sync": ("futex_rtt", 2),
    "task_pipe": ("ring", 1),
    "task_drain": ("ring", 1),
    "cold_start": ("exec_connect", 1),
    "obj_100b": ("insert_100b", 1),
    "obj_4k": ("insert_4k", 1),
    "obj_100k": ("insert_100k", 1),
    "large_cold": ("stream_large", 1),
    "large_warm": ("stream_large", 1),
    "large_seal": ("stream_large", 1),
    "large_tasks": ("stream_large", 1),
    "large_writers": ("stream_large", 1),
    "huge_cold": ("stream_large", 1),
    "huge_warm": ("stream_large", 1),
    "get_10k": ("lookup_10k", 1),
    "hold_10k": ("lookup_10k", 1),
    "pass_10k": ("lookup_10k", 1),
}
# Row of ours: the peer program's name for it, and its unit.
PEERS = {
    "actor_sync": "actor_calls_sync",
    "actor_pipe": "actor_calls_async_batch",
    "task_sync": "tasks_sync",
    "task_pipe": "tasks_async_batch",
    "task_drain": "tasks_drain_one_batch",
    "wait_1k": "wait_1k_refs_one_by_one",
    "large_warm": "put_big_GBps",
    "large_tasks": "task_big_return_GBps",
}


def read(lines):
    values, cpu, notes = {}, {}, {}
    for line in lines:
        words = line.split()
        if len(words) < 5 or words[0] not in ("mobula", "floor", "ray"):
            continue
        key = (words[0], words[1])
        values.setdefault(key, []).append((float(words[2]), words[3]))
        cpu.setdefault(key, []).append(float(words[4]))
        notes[key] = " ".join(words[5:])
    return values, cpu, notes


def median(rows):
    return statistics.median(v for v, _ in rows)


def ratio_to_floor(name, value, unit, values):
    probe, times = FLOORS.get(name, (None, 1))
    rows = values.get(("floor", probe))
    if not rows:
        return ""
    floor = median(rows) / times
    if unit == "ms":
        return "%.1fx the floor's %.2f ms" % (value * floor / 1e3, 1e3 / floor)
    return "%.3f of the floor's %.6g%s%s" % (
        value / floor, floor, "" if unit == "/s" else " ", unit)


def main():
    values, cpu, notes = read(sys.stdin)
    print("| row | median | min .. max | CPU us/op | of the floor | of Ray |")
    print("|---|---|---|---|---|---|")
    for (system, name), rows in values.items():
        if system != "mobula":
            continue
        value, unit = median(rows), rows[0][1]
        low, high = min(v for v, _ in rows), max(v for v, _ in rows)
        peer = values.get(("ray", PEERS.get(name)))
        against = "%.1fx of %.0f/s" % (value / median(peer),
                                       median(peer)) if peer else ""
        print("| %s | %.6g %s | %.6g .. %.6g | %.1f | %s | %s | %s" %
              (name, value, unit, low, high,
               statistics.median(cpu[(system, name)]),
               ratio_to_floor(name, value, unit, values), against,
               notes[(system, name)]))
    for (system, name), rows in values.items():
        if system == "floor":
            print("floor %s: %.6g %s, %.2f CPU us/op" %
                  (name, median(rows), rows[0][1],
                   statistics.median(cpu[(system, name)])))


if __name__ == "__main__":
    main()
