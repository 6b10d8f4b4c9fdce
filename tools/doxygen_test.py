"""What tools/doxygen.awk makes of comments, and when tools/doxygen fails."""

import os
import subprocess
import tempfile
import unittest

TOOLS = os.path.dirname(os.path.abspath(__file__))

# Stands for Doxygen: keeps its settings, makes what pages it is told to.
FAKE = """#!/bin/bash
cat >"$KEPT"
folder=$(sed -n 's/^OUTPUT_DIRECTORY = "\\(.*\\)"$/\\1/p' "$KEPT")
mkdir -p "$folder/html"
for page in $PAGES; do echo >"$folder/html/$page"; done
exit $CODE
"""


def filtered(text):
    return subprocess.run(["awk", "-f", os.path.join(TOOLS, "doxygen.awk")],
                          input=text, capture_output=True, text=True,
                          check=True).stdout


class FilterTest(unittest.TestCase):
    def test_what_opens_a_file_is_about_the_file(self):
        self.assertEqual(filtered("// Ref is a value.\n\nint x;\n"),
                         "/// @file\n/// Ref is a value.\n\nint x;\n")
        self.assertNotIn("@file", filtered("int x;\n// More.\nint y;\n"))

    def test_comments_before_and_behind_declarations(self):
        self.assertEqual(filtered("class A {\n  // Of it.\n  int x;\n"),
                         "class A {\n  /// Of it.\n  int x;\n")
        self.assertEqual(filtered("int x = 0;  // of it\n"),
                         "int x = 0;  ///< of it\n")
        self.assertEqual(filtered("enum {\n  kA,  // of it\n"),
                         "enum {\n  kA,  ///< of it\n")

    def test_other_comments_stay(self):
        for line in ("}  // namespace mobula\n",
                     '#include "a.h"  // IWYU pragma: export\n',
                     "operator bool() const;  // NOLINT\n",
                     "int x;\n// NOLINTNEXTLINE(google)\n",
                     "#endif  // MOBULA_A_H_\n", 'auto a = "http://b";\n'):
            self.assertEqual(filtered(line), line)

    def test_prose_is_escaped_but_not_in_backticks(self):
        self.assertEqual(
            filtered("int x;\n// A Ref<T> & #1 of a@b, `Ref<T>` too, 5%.\n"),
            "int x;\n/// A Ref\\<T\\> \\& \\#1 of a\\@b, `Ref<T>` too, 5\\%.\n")
        self.assertEqual(filtered("int x;\n// One ` and <T>.\n"),
                         "int x;\n/// One ` and \\<T\\>.\n")

    def test_indented_lines_are_code(self):
        self.assertEqual(
            filtered("int x;\n// So:\n//   Ref<int> a;\n//\n//   int b;\n"
                     "// Then <T>.\nint y;\n"),
            "int x;\n/// So:\n/// @code{.cpp}\n///   Ref<int> a;\n///\n"
            "///   int b;\n/// @endcode\n/// Then \\<T\\>.\nint y;\n")
        self.assertEqual(filtered("int x;\n  // So:\n  //   a;\n  int y;\n"),
                         "int x;\n  /// So:\n  /// @code{.cpp}\n  ///   a;\n"
                         "  /// @endcode\n  int y;\n")

    def test_what_each_header_says_is_a_paragraph(self):
        self.assertEqual(filtered("int x;\n// A.\n// Threading: any.\n"),
                         "int x;\n/// A.\n///\n/// Threading: any.\n")


class ToolTest(unittest.TestCase):
    def run_tool(self, code, pages, *arguments):
        """Exit code, output, and with which settings Doxygen was run."""
        with tempfile.TemporaryDirectory() as folder:
            fake = os.path.join(folder, "doxygen")
            kept = os.path.join(folder, "kept")
            with open(fake, "w", encoding="utf-8") as file:
                file.write(FAKE)
            os.chmod(fake, 0o755)
            environment = dict(os.environ, CODE=str(code), PAGES=pages,
                               KEPT=kept, TMPDIR=folder)
            environment["PATH"] = folder + ":" + environment["PATH"]
            done = subprocess.run(
                [os.path.join(TOOLS, "doxygen"), *arguments], env=environment,
                capture_output=True, text=True, check=False)
            settings = ""
            if os.path.exists(kept):
                with open(kept, encoding="utf-8") as file:
                    settings = file.read()
            left = sorted(set(os.listdir(folder)) - {"doxygen", "kept"})
            return done.returncode, done.stdout, settings, left

    def test_pages_are_counted_and_warnings_are_errors(self):
        code, output, settings, left = self.run_tool(0, "a_8h.html b_8h.html")
        self.assertEqual((code, output), (0, "doxygen: ok, 2 headers\n"))
        self.assertIn("WARN_AS_ERROR          = FAIL_ON_WARNINGS", settings)
        self.assertEqual(left, [])  # it only checked
        self.assertEqual(self.run_tool(1, "a_8h.html")[0], 1)

    def test_without_pages_it_fails(self):
        code, output, _, _ = self.run_tool(0, "index.html")
        self.assertEqual(code, 1)
        self.assertIn("no page", output)

    def test_the_reference_is_left_where_one_wants_it(self):
        with tempfile.TemporaryDirectory() as folder:
            there = os.path.join(folder, "a b")
            code, output, _, _ = self.run_tool(0, "a_8h.html", there)
            self.assertEqual(code, 0, output)
            self.assertIn("a b/html/index.html", output)
            self.assertEqual(os.listdir(there + "/html"), ["a_8h.html"])

    def test_where_there_is_none_it_says_so(self):
        done = subprocess.run([os.path.join(TOOLS, "doxygen")],
                              env={"PATH": "/nonexistent"},
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn("skipped", done.stdout)

    def test_misuse_is_refused(self):
        for arguments in (("a", "b"), ("--help",)):
            code, _, settings, _ = self.run_tool(0, "a_8h.html", *arguments)
            self.assertEqual((code, settings), (2, ""))


if __name__ == "__main__":
    unittest.main()
