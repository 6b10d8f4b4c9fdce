#!/usr/bin/env python3
"""Reads the lines of interleaved rounds and prints medians and ratios.

usage: report.py [--rows NAME,...] [--json FILE] <LINES

Each input line is `SYSTEM name value unit cpu_us_per_op [notes]`, as run.sh
writes it; a line with another shape is passed over. Rows of higher-is-better
(/s, GB/s) are compared as ours / other, times as other / ours. A round in which
the floor of a row was more than a fifth off its median does not count for that
row, unless that leaves fewer than half of them.

NAME is a row of ours (actor_sync), or one of the table of rows, which may be
several of ours (obj_small). FILE gets {"rows": [{row, system, ours, unit, peer,
peer_value, ratio, floor, fraction_of_floor, cpu_us_per_op, spread, rounds,
rejected}]}: numbers, or null where there is none; `spread` is (max - min) /
median, `row` the name of the table, a slash and what is special about it.
"""

import argparse
import json
import statistics
import sys

# Of the table of rows: ours that are variants of it.
TABLE = {
    "obj_100b": "obj_small/put_get_100b",
    "obj_4k": "obj_small/put_get_4k",
    "obj_100k": "obj_small/put_get_100k",
    "obj_other_100b": "obj_small/other_process_100b",
    "obj_other_4k": "obj_small/other_process_4k",
    "obj_other_100k": "obj_small/other_process_100k",
    "large_cold": "obj_large/cold_100m",
    "large_warm": "obj_large/warm_100m",
    "large_seal": "obj_large/create_fill_seal_100m",
    "large_view": "obj_large/get_view_100m",
    "large_tasks": "obj_large/result_of_task_100m",
    "large_writers": "obj_large/two_writers_100m",
    "huge_cold": "obj_large/cold_1g",
    "huge_warm": "obj_large/warm_1g",
    "get_10k": "many_refs/get_10k",
    "hold_10k": "many_refs/hold_10k",
    "pass_10k": "many_refs/pass_10k",
    "wait_1k": "many_refs/wait_1k",
    "task_drain": "queue_1m/drain",
    "net_pipe": "net_call/outstanding_1000",
    "net_small": "net_bulk/10k_of_100k",
}
FLOOR_MOVED = 0.2

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
    "net_call": ("tls_rtt", 1),
    "net_pipe": ("tls_msgs", 1),
    "net_bulk": ("tls_bulk", 1),
    "net_small": ("tls_bulk", 1),
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


def official(name):
    return TABLE.get(name, name)


def wanted(name, rows):
    return not rows or name in rows or official(name).split("/")[0] in rows


def median(rows):
    return statistics.median(v for v, _ in rows)


def steady(name, values):
    """The values of ours in rounds whose floor stood still; how many others."""
    ours = values[("mobula", name)]
    floors = values.get(("floor", FLOORS.get(name, (None, 1))[0]))
    if not floors or len(floors) != len(ours):
        return ours, 0
    middle = median(floors)
    kept = [value for value, (floor, _) in zip(ours, floors)
            if abs(floor - middle) <= FLOOR_MOVED * middle]
    if 2 * len(kept) < len(ours):
        return ours, 0
    return kept, len(ours) - len(kept)


def summary(name, values, cpu):
    """One row as a dictionary: what goes into the JSON."""
    kept, rejected = steady(name, values)
    value, unit = median(kept), kept[0][1]
    numbers = [v for v, _ in kept]
    row = {"row": official(name), "system": "mobula", "ours": value,
           "unit": unit, "peer": None, "peer_value": None, "ratio": None,
           "floor": None, "fraction_of_floor": None,
           "cpu_us_per_op": statistics.median(cpu[("mobula", name)]),
           "spread": (max(numbers) - min(numbers)) / value if value else None,
           "rounds": len(kept), "rejected": rejected}
    peer = values.get(("ray", PEERS.get(name)))
    if peer:
        row["peer"], row["peer_value"] = "ray", median(peer)
        row["ratio"] = value / median(peer)
    probe, times = FLOORS.get(name, (None, 1))
    floors = values.get(("floor", probe))
    if floors:
        row["floor"] = median(floors) / times
        row["fraction_of_floor"] = (1e3 / row["floor"] / value if unit == "ms"
                                    else value / row["floor"])
    return row


def floor_text(row):
    if row["floor"] is None:
        return ""
    if row["unit"] == "ms":
        return "%.1fx the floor's %.2f ms" % (1 / row["fraction_of_floor"],
                                              1e3 / row["floor"])
    return "%.3f of the floor's %.6g%s%s" % (
        row["fraction_of_floor"], row["floor"],
        "" if row["unit"] == "/s" else " ", row["unit"])


def peer_text(row):
    if row["peer"] is None:
        return ""
    return "%.1fx of %.6g%s%s" % (row["ratio"], row["peer_value"],
                                  "" if row["unit"] == "/s" else " ",
                                  row["unit"])


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--rows", default="")
    parser.add_argument("--json")
    options = parser.parse_args()
    only = {name for name in options.rows.split(",") if name}
    values, cpu, notes = read(sys.stdin)
    rows = []
    print("| row | median | min .. max | CPU us/op | of the floor | of Ray |")
    print("|---|---|---|---|---|---|")
    for system, name in values:
        if system != "mobula" or not wanted(name, only):
            continue
        row = summary(name, values, cpu)
        rows.append(row)
        kept = [v for v, _ in steady(name, values)[0]]
        note = notes[(system, name)]
        if row["rejected"]:
            note += " (%d rounds rejected)" % row["rejected"]
        print("| %s | %.6g %s | %.6g .. %.6g | %.1f | %s | %s | %s" %
              (name, row["ours"], row["unit"], min(kept), max(kept),
               row["cpu_us_per_op"], floor_text(row), peer_text(row), note))
    for (system, name), all_of_it in values.items():
        if system == "floor":
            print("floor %s: %.6g %s, %.2f CPU us/op" %
                  (name, median(all_of_it), all_of_it[0][1],
                   statistics.median(cpu[(system, name)])))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": rows}, file, indent=1)
            file.write("\n")
    missing = only - {r["row"].split("/")[0] for r in rows} - {
        name for system, name in values if system == "mobula"}
    if missing:
        sys.exit("report.py: nothing was measured of " +
                 ", ".join(sorted(missing)))


if __name__ == "__main__":
    main()
