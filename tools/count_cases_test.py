"""Tests of tools/count_cases."""

import json
import os
import tempfile
import unittest

import unittests

tool = unittests.load(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "count_cases"))


class CountCasesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def count(self, *events):
        path = os.path.join(self.folder, "events.json")
        with open(path, "w", encoding="utf-8") as out:
            for event in events:
                out.write(json.dumps(event) + "\n")
        return tool.count_events([path])

    def result(self, status="PASSED", cases=None, cached=False):
        outputs = []
        if cases is not None:
            path = os.path.join(self.folder, "test%20a.xml")
            with open(path.replace("%20", " "), "w", encoding="utf-8") as out:
                out.write(f"<testsuites><testsuite>{cases}"
                          "</testsuite></testsuites>")
            outputs = [{"name": "test.xml", "uri": "file://" + path}]
        return {"id": {"testResult": {"label": "//a:b"}},
                "testResult": {"status": status, "cachedLocally": cached,
                               "testActionOutput": outputs}}

    def test_counts_cases_by_their_end(self):
        count = self.count(self.result("FAILED", """
            <testcase classname="A" name="ok"/>
            <testcase classname="A" name="bad"><failure/></testcase>
            <testcase classname="A" name="worse"><error/></testcase>
            <testcase classname="A" name="left"><skipped/></testcase>
            <testcase classname="A" name="off" status="notrun"/>"""))
        self.assertEqual((1, 2, 1, 1), (count.passed, count.failed,
                                        count.skipped, count.programs))
        self.assertEqual(["//a:b A.bad", "//a:b A.worse"], count.failures)

    def test_cached_result_does_not_count(self):
        count = self.count(self.result(cases="<testcase name='x'/>",
                                       cached=True))
        self.assertEqual((0, 0, 0), (count.passed, count.failed,
                                     count.programs))

    def test_crash_without_cases_is_one_failure(self):
        count = self.count(self.result("TIMEOUT"))
        self.assertEqual((0, 1), (count.passed, count.failed))

    def test_unreadable_cases_of_a_failed_program_are_one_failure(self):
        count = self.count(self.result("FAILED", cases="<testcase"))
        self.assertEqual((0, 1), (count.passed, count.failed))

    def test_failed_program_whose_cases_passed_is_one_failure(self):
        count = self.count(self.result("FAILED", "<testcase name='x'/>"))
        self.assertEqual((1, 1), (count.passed, count.failed))

    def test_program_without_cases_is_one_case(self):
        count = self.count(self.result("PASSED"))
        self.assertEqual((1, 0), (count.passed, count.failed))

    def test_target_that_does_not_build_is_one_failure(self):
        ident = {"targetCompleted": {"label": "//a:c"}}
        count = self.count({"id": ident, "aborted": {}},
                           {"id": ident, "completed": {"success": True}})
        self.assertEqual(["//a:c (could not be built)"], count.failures)


if __name__ == "__main__":
    unittest.main()
