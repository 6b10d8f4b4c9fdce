"""Tests of tools/lint: a verdict is remembered until something that it hangs on
changes, and only if it was that the source is clean."""

import os
import subprocess
import tempfile
import unittest

import unittests

tool = unittests.load(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "lint"))


class CleanSourcesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.write("thing.h", "int thing();\n")
        self.write("thing.cc", '#include "thing.h"\n')
        self.command = {"file": self.at("thing.cc"),
                        "arguments": ["g++", self.at("thing.cc")]}
        tool.content_digest.cache_clear()

    def at(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.at(name), "w", encoding="utf-8") as file:
            file.write(text)

    def sources(self, common=b"checks"):
        return tool.CleanSources(self.at("clean"), common)

    def knows(self, common=b"checks"):
        tool.content_digest.cache_clear()
        sources = self.sources(common)
        return sources.holds(sources.path_of(self.command))

    def remember(self):
        sources = self.sources()
        sources.add(sources.path_of(self.command))

    def test_remembers(self):
        self.assertFalse(self.knows())
        self.remember()
        self.assertTrue(self.knows())

    def test_a_changed_source_is_read_again(self):
        self.remember()
        self.write("thing.cc", '#include "thing.h"\nint x;\n')
        self.assertFalse(self.knows())

    def test_a_changed_header_is_read_again(self):
        self.remember()
        self.write("thing.h", "long thing();\n")
        self.assertFalse(self.knows())

    def test_other_checks_read_all_again(self):
        self.remember()
        self.assertFalse(self.knows(b"other checks"))

    def test_other_arguments_read_it_again(self):
        self.remember()
        self.command["arguments"].append("-DX=1")
        self.assertFalse(self.knows())

    def test_what_does_not_compile_is_not_remembered(self):
        self.write("thing.cc", '#include "nothing.h"\n')
        self.assertIsNone(self.sources().path_of(self.command))

    def test_nothing_is_remembered_without_a_folder(self):
        sources = tool.CleanSources("", b"checks")
        self.assertIsNone(sources.path_of(self.command))
        sources.add(None)
        self.assertFalse(sources.holds(None))

    def lint(self, code):
        """The exit code of lint() with a clang-tidy that ends with `code`."""
        real, runs = tool.subprocess.run, []

        def run(args, **options):
            if args[0] != "clang-tidy-19":
                return real(args, **options)
            runs.append(args)
            return subprocess.CompletedProcess(args, code, "said", "")

        tool.content_digest.cache_clear()
        tool.subprocess.run = run
        try:
            found, _ = tool.lint(self.folder, self.sources(), self.command)
        finally:
            tool.subprocess.run = real
        return found, len(runs)

    def test_a_fault_is_found_again_and_again(self):
        self.assertEqual((1, 1), self.lint(1))
        self.assertEqual((1, 1), self.lint(1))

    def test_a_clean_source_is_read_once(self):
        self.assertEqual((0, 1), self.lint(0))
        self.assertEqual((0, 0), self.lint(0))


if __name__ == "__main__":
    unittest.main()
