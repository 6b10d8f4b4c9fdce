"""What report.py makes of the lines of a run."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

REPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report.py")

LINES = """
floor futex_rtt 200000 /s 5
mobula actor_sync 30000 /s 60 in another process
ray actor_calls_sync 1500 /s 0
floor futex_rtt 205000 /s 5
mobula actor_sync 31000 /s 60 in another process
floor futex_rtt 90000 /s 5
mobula actor_sync 9000 /s 60 in another process
floor exec_connect 500 /s 1
mobula cold_start 4 ms 900
mobula obj_4k 100000 /s 2
not a line of ours
"""


def run(lines, *args):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.json")
        done = subprocess.run(
            [sys.executable, REPORT, "--json", path, *args], input=lines,
            capture_output=True, text=True, check=False)
        rows = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                rows = {row["row"]: row for row in json.load(file)["rows"]}
        return done, rows


class Report(unittest.TestCase):
    def test_rounds_whose_floor_moved_do_not_count(self):
        done, rows = run(LINES)
        self.assertEqual(done.returncode, 0, done.stderr)
        row = rows["actor_sync"]
        self.assertEqual((row["ours"], row["rounds"], row["rejected"]),
                         (30500, 2, 1))
        self.assertEqual((row["peer"], row["peer_value"]), ("ray", 1500))
        self.assertAlmostEqual(row["ratio"], 30500 / 1500)
        self.assertEqual(row["floor"], 200000)
        self.assertAlmostEqual(row["fraction_of_floor"], 30500 / 200000)
        self.assertAlmostEqual(row["spread"], 1000 / 30500)
        self.assertEqual(row["cpu_us_per_op"], 60)
        self.assertIn("1 rounds rejected", done.stdout)

    def test_times_are_compared_the_other_way_round(self):
        _, rows = run(LINES)
        # 500 a second are 2 ms each.
        self.assertAlmostEqual(rows["cold_start"]["fraction_of_floor"], 0.5)

    def test_a_variant_has_the_name_of_its_row(self):
        _, rows = run(LINES)
        row = rows["obj_small/put_get_4k"]
        self.assertIsNone(row["peer_value"])
        self.assertIsNone(row["floor"])

    def test_rows_are_chosen_by_either_name(self):
        for name in ("obj_small", "obj_4k"):
            done, rows = run(LINES, "--rows", name)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(list(rows), ["obj_small/put_get_4k"])

    def test_a_row_that_nobody_measured_is_an_error(self):
        done, _ = run(LINES, "--rows", "actor_sync,actor_nn")
        self.assertEqual(done.returncode, 1)
        self.assertIn("actor_nn", done.stderr)


if __name__ == "__main__":
    unittest.main()
