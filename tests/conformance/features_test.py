"""docs/features.md names a test for each verb and case: they all exist, and no
cell is left empty."""

import re
import unittest

# | `When` | `api/when_test.cc` |
SUITE = re.compile(r"\| `(\w+)` \| `([\w/]+\.cc)` \|")
# `Suite.Case`, `Suite.Case/Parameter`
NAME = re.compile(r"`(\w+)\.([A-Z]\w+)(?:/(\w+))?`")
# What a cell holds: names of tests, or that there is no such case.
CELL = re.compile(rf"{NAME.pattern}(, {NAME.pattern})*|–")


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


def wrong_cells(page):
    """The cells that neither name tests nor are –, and tables that do not say
    what their – is."""
    wrong, table, has_none = [], None, False
    for line in page.splitlines() + [""]:
        if line.startswith("|") and not SUITE.fullmatch(line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if table is None:
                if has_none:
                    wrong.append(f"before '{line}': nothing says why –")
                table, has_none = cells, False
                continue
            if set("".join(cells)) <= set("-"):
                continue
            if len(cells) != len(table):
                wrong.append(f"{cells[0]}: {len(cells)} cells")
            for name, cell in list(zip(table, cells))[1:]:
                has_none = has_none or cell == "–"
                if table[1] != "file" and not CELL.fullmatch(cell):
                    wrong.append(f"{cells[0]}, {name}: '{cell}'")
        elif line.strip():
            if has_none and not line.startswith("– "):
                wrong.append(f"before '{line}': nothing says why –")
            table, has_none = None, False
        else:
            table = None
    if has_none:
        wrong.append("the last table: nothing says why –")
    return wrong


class FeaturesTest(unittest.TestCase):
    def test_each_name_is_that_of_a_test(self):
        count, wrong = wrong_names(read("docs/features.md"), read)
        self.assertEqual(wrong, [])
        self.assertGreater(count, 100)

    def test_each_cell_names_tests_or_that_there_is_none(self):
        self.assertEqual(wrong_cells(read("docs/features.md")), [])

    def test_cells_that_are_left_out_are_found(self):
        page = ("| `A` | `a_test.cc` |\n\n"
                "| verb | here | there |\n|---|---|---|\n"
                "| `Get` | `A.Is`, `A.IsToo/Here` | – |\n"
                "| `Wait` |  | see `A.Is` |\n"
                "| `Then` | `A.Is` |\n")
        cells = ["`Wait`, here: ''", "`Wait`, there: 'see `A.Is`'",
                 "`Then`: 2 cells"]
        why = "– Nobody waits there.\n"
        self.assertEqual(wrong_cells(page + "\n" + why), cells)
        self.assertEqual(wrong_cells(page + "\n## Next\n" + why),
                         cells + ["before '## Next': nothing says why –"])
        self.assertEqual(wrong_cells(page),
                         cells + ["the last table: nothing says why –"])

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
