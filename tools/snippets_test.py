"""Each rule of tools/snippets refuses something."""

import os
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "snippets")

PAGE = """# Page

```cpp
int Square(int x) {
  return x * x;
}
```

```sh
this is no C++
```
"""
SOURCE = "// More.\nint Square(int x) { return x * x; }\nint y;\n"


class SnippetsTest(unittest.TestCase):
    def run_tool(self, files, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                with open(os.path.join(folder, name), "w",
                          encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run([sys.executable, "-B", TOOL, *arguments],
                                  cwd=folder, capture_output=True, text=True,
                                  check=False)
            return done.returncode, done.stdout

    def check(self, page, source, name="page_test.cc"):
        return self.run_tool({"page.md": page, name: source}, "page.md", "--",
                             name)

    def test_white_space_does_not_matter(self):
        self.assertEqual(self.check(PAGE, SOURCE), (0, ""))
        self.assertEqual(self.check(PAGE, SOURCE, "page.cc"), (0, ""))

    def test_what_was_changed_in_the_source_is_found(self):
        code, output = self.check(PAGE, SOURCE.replace("x * x", "x + x"))
        self.assertEqual(code, 1)
        self.assertIn("page.md:3: this snippet stands in none of the 1 "
                      "sources", output)

    def test_what_was_changed_in_the_page_is_found(self):
        code, output = self.check(PAGE.replace("int Sq", "long Sq"), SOURCE)
        self.assertEqual(code, 1)
        self.assertIn("page.md:3:", output)

    def test_a_source_of_another_page_does_not_count(self):
        code, output = self.check(PAGE, SOURCE, "other_test.cc")
        self.assertEqual(code, 1)
        self.assertIn("none of the 0 sources", output)

    def test_what_is_left_out_may_be_anything_between(self):
        page = PAGE.replace("}\n```\n\n```sh", "}\n// ...\nint y;\n```\n\n```sh")
        source = SOURCE.replace("int y", "int z;\nint y")
        self.assertEqual(self.check(page, source), (0, ""))
        self.assertEqual(self.check(page, "int y;\n" + SOURCE[:-7])[0], 1)

    def test_parts_of_one_snippet_come_from_one_source(self):
        page = "```cpp\nint a;\n// ...\nint b;\n```\n"
        files = {"page.md": page, "page.cc": "int a;", "page_test.cc": "int b;"}
        code, _ = self.run_tool(files, "page.md", "--", "page.cc",
                                "page_test.cc")
        self.assertEqual(code, 1)

    def test_pages_without_snippets_are_refused(self):
        code, output = self.check("# Page\n", SOURCE)
        self.assertEqual(code, 1)
        self.assertIn("no snippet", output)

    def test_empty_and_open_blocks_are_refused(self):
        for page in ("```cpp\n```\n", "```cpp\n// ...\n```\n"):
            self.assertIn("empty", self.check(PAGE + page, SOURCE)[1])
        self.assertIn("does not end", self.check(PAGE + "```cpp\n", SOURCE)[1])

    def test_long_pages_are_refused(self):
        self.assertEqual(self.check(PAGE + "\n" * 139, SOURCE)[0], 0)
        self.assertIn("the stop is 150",
                      self.check(PAGE + "\n" * 140, SOURCE)[1])

    def test_misuse_is_refused(self):
        for arguments in ((), ("page.md",), ("--", "page.cc")):
            self.assertEqual(self.run_tool({}, *arguments)[0], 1)


if __name__ == "__main__":
    unittest.main()
