"""docs/features.md names a test for each verb and case: they all exist."""

import re
import unittest

# | `When` | `api/when_test.cc` |
SUITE = re.compile(r"\| `(\w+)` \| `([\w/]+\.cc)` \|")
# `Suite.Case`, `Suite.Case/Parameter`
NAME = re.compile(r"`(\w+)\.([A-Z]\w+)(?:/(\w+))?`")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def wrong_names(page, read_source):
    """How many tests the page names, and what is wrong with which."""
    suites = dict(SUITE.findall(page))
    names = NAME.findall(page)
    wrong = []
    for suite, case, parameter in names:
        name = f"{suite}.{case}" + (f"/{parameter}" if parameter else "")
        if suite not in suites:
            wrong.append(f"{name}: the page names no file for this suite")
            continue
        source = read_source(suites[suite])
        if not re.search(rf"TEST(_F|_P)?\(\s*{suite},\s*{case}\)", source):
            wrong.append(f"{name}: no such test in {suites[suite]}")
        elif parameter and f'"{parameter}"' not in source:
            wrong.append(f"{name}: no such parameter in {suites[suite]}")
    return len(names), wrong


class FeaturesTest(unittest.TestCase):
    def test_each_name_is_that_of_a_test(self):
        count, wrong = wrong_names(read("docs/features.md"), read)
        self.assertEqual(wrong, [])
        self.assertGreater(count, 100)

    def test_names_of_no_test_are_found(self):
        page = ("| `A` | `a_test.cc` |\n"
                "| `A.Is` | `A.IsToo/Here` | `A.IsNot` | `A.Is/There` | `B.Is` |")
        source = 'TEST(A, Is) {}\nTEST_P(A,\n       IsToo) { "Here"; }'
        self.assertEqual(
            wrong_names(page, {"a_test.cc": source}.get),
            (5, ["A.IsNot: no such test in a_test.cc",
                 "A.Is/There: no such parameter in a_test.cc",
                 "B.Is: the page names no file for this suite"]))


if __name__ == "__main__":
    unittest.main()
