"""When a test under tools/under_sanitizer fails."""

import os
import subprocess
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))
RACE = "==================\nWARNING: ThreadSanitizer: data race (pid=7)\n"
LEAK = "==7==ERROR: LeakSanitizer: detected memory leaks\n"
OVERFLOW = "==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n"
FAULT = "==7==ERROR: {}Sanitizer: SEGV on unknown address 0x0\n"


class UnderSanitizerTest(unittest.TestCase):
    def run_test(self, options, report="", code=0):
        """A test one of whose processes, of the pid 7, reports `report`."""
        program = ('path=${%s##*log_path=}; [ -z "$1" ] || printf %%s "$1"'
                   ' >"$path.7"; echo "${path%%/*}"; exit %d') % (options, code)
        env = dict(os.environ, ASAN_OPTIONS="a=1", TSAN_OPTIONS="")
        ran = subprocess.run(
            [os.path.join(TOOLS, "under_sanitizer"), "bash", "-c", program,
             "bash", report], capture_output=True, text=True, env=env)
        folder, _, rest = ran.stdout.partition("\n")
        self.assertTrue(folder.startswith("/tmp/mr."), folder)
        self.assertFalse(os.path.exists(folder))
        return ran.returncode, rest

    def test_without_a_report_it_ends_as_its_test_does(self):
        self.assertEqual(self.run_test("ASAN_OPTIONS"), (0, ""))
        self.assertEqual(self.run_test("TSAN_OPTIONS", code=3), (3, ""))

    def test_a_report_of_any_process_is_shown_and_fails_it(self):
        for options, report in (("TSAN_OPTIONS", RACE), ("ASAN_OPTIONS", LEAK),
                                ("ASAN_OPTIONS", OVERFLOW),
                                ("TSAN_OPTIONS", FAULT.format("Thread") + RACE)):
            code, shown = self.run_test(options, report)
            self.assertEqual(code, 1, report)
            self.assertIn(report, shown)

    def test_faults_are_what_tests_make(self):
        for options, name in (("ASAN_OPTIONS", "Address"),
                              ("TSAN_OPTIONS", "Thread")):
            self.assertEqual(self.run_test(options, FAULT.format(name)), (0, ""))

    def test_where_it_fails_anyway_all_are_shown(self):
        code, shown = self.run_test("ASAN_OPTIONS", FAULT.format("Address"), 2)
        self.assertEqual(code, 2)
        self.assertIn("SEGV", shown)

    def test_options_that_are_set_stay(self):
        ran = subprocess.run(
            [os.path.join(TOOLS, "under_sanitizer"), "sh", "-c",
             "echo $ASAN_OPTIONS"], capture_output=True, text=True,
            env=dict(os.environ, ASAN_OPTIONS="a=1"))
        self.assertTrue(ran.stdout.startswith("a=1:log_path="), ran.stdout)


if __name__ == "__main__":
    unittest.main()
