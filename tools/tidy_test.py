"""Tests of tools/tidy: each rule refuses what it is there to refuse, and lets
its neighbour pass."""

import os
import tempfile
import unittest

import unittests

tool = unittests.load(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "tidy"))

HEADER = """// Thing holds one thing.
// Threading: a value.
#ifndef MOBULA_BASE_THING_H_
#define MOBULA_BASE_THING_H_
{}
#endif  // MOBULA_BASE_THING_H_
"""


def wrong(text, path="base/thing.cc"):
    return list(tool.check_file(path, text))


class TidyTest(unittest.TestCase):
    def refuses(self, text, words, path="base/thing.cc"):
        found = wrong(text, path)
        self.assertEqual(1, len(found), found)
        self.assertIn(words, found[0])
        return found[0]

    def passes(self, text, path="base/thing.cc"):
        self.assertEqual([], wrong(text, path))

    # ---- sizes

    def test_file_lengths(self):
        self.passes("\n" * 800)
        self.refuses("\n" * 801, "the stop is 800")
        self.passes("\n" * 1000, "base/thing_test.cc")
        self.refuses("\n" * 1001, "the stop is 1000", "base/thing_test.cc")
        filler = len(HEADER.splitlines()) - 1
        self.passes(HEADER.format("\n" * (500 - filler - 1)), "base/thing.h")
        self.refuses(HEADER.format("\n" * (500 - filler)), "the stop is 500",
                     "base/thing.h")

    def test_columns(self):
        self.passes("// " + "x" * 77 + "\n")
        self.refuses("// " + "x" * 78 + "\n", "81 columns")
        self.passes("// https://" + "x" * 90 + "\n")

    def test_trailing_space(self):
        self.refuses("int a; \n", "white space")

    def test_function_lengths(self):
        body = "  Call();\n" * 68
        self.passes("void F() {\n" + body + "}\n")
        for head in ("void F()", "TEST(Thing, Works)", "Thing::Thing(int a)\n"
                     "    : a_{a}, b_(f({1}))", "auto f = [](int a)",
                     "template <class T>\nauto F(T t) -> std::vector<int>",
                     "bool Thing::operator==(const Thing& o) const noexcept"):
            end = "};\n" if "[]" in head else "}\n"
            self.assertIn("the stop is 70", self.refuses(
                f"{head} {{\n{body}  if (a) {{\n  }}\n{end}", "a function of"))

    def test_function_lengths_inside_classes(self):
        body = "    Call();\n" * 70
        text = ("namespace a {\nclass B : public C {\n public:\n"
                "  void F() {\n" + body + "  }\n};\n}\n")
        self.assertIn(":4:", self.refuses(text, "a function of 72 lines"))

    def test_long_classes_and_tables_are_not_functions(self):
        lines = "  int a = 1;\n" * 100
        self.passes("class Thing {\n" + lines + "};\n")
        self.passes("const int kTable[] = {\n" + "  1,\n" * 100 + "};\n")

    def test_braces_in_literals_and_comments_do_not_count(self):
        self.passes('void F() {\n  A("{", \'{\', R"x({)x");  // {\n}\n'
                    + "int a;\n" * 100)

    def test_constructor_arguments(self):
        six = "int a, int b, A<int, int> c,\n    F<int(int, int)> d, int e"
        self.passes(f"class Thing {{\n  Thing({six}, int f);\n}};\n")
        self.refuses(f"class Thing {{\n  explicit Thing({six}, int f,\n"
                     "  int g);\n};\n", "7 arguments")
        self.refuses(f"Thing::Thing({six}, int f, int g) {{}}\n",
                     "7 arguments")
        self.passes(f"void F({six}, int f, int g);\n")

    def test_headers_in_a_folder(self):
        headers = [f"base/a{i}.h" for i in range(15)]
        self.assertEqual([], list(tool.check_folders(headers)))
        headers += ["base/fake_a.h", "base/b.cc", "base/x/y.h"]
        self.assertEqual([], list(tool.check_folders(headers)))
        self.assertEqual(1, len(list(tool.check_folders(headers
                                                        + ["base/z.h"]))))

    # ---- names

    def test_header_comment(self):
        text = HEADER.format("").split("\n", 2)[2]
        self.refuses(text, "opens with a comment", "base/thing.h")
        self.passes("// Three constants.\n" + text, "base/thing.h")
        text = text.replace("H_\n", "H_\nclass Thing {\n};\n", 2)
        text = text.replace("class Thing {\n};\n", "", 1)
        self.refuses("// Thing.\n" + text, "opens with a comment",
                     "base/thing.h")

    def test_guard(self):
        self.passes(HEADER.format(""), "base/thing.h")
        self.refuses(HEADER.format(""), "MOBULA_RAYLET_THING_H_",
                     "raylet/thing.h")

    def test_using_namespace(self):
        self.refuses(HEADER.format("using namespace std;"), "using namespace",
                     "base/thing.h")

    def test_words_that_say_nothing(self):
        for name in ("class TaskManager {};", "struct HelperThing;",
                     "class MOBULA_LOCKABLE LinkImpl final {};",
                     "using ErrorHandler = int;", "enum class CommonKind {};",
                     "struct StringUtils {};"):
            self.refuses(name + "\n", "say what it holds")
        self.passes("class ImplicitLease {};\nstruct Utilization {};\n")
        for path in ("base/string_util.h", "base/util.h"):
            self.assertIn("does not say", wrong("", path)[-1])
        self.passes("", "base/utilization.cc")
        self.refuses("", "snake_case", "base/Thing.cc")

    def test_methods_for_tests(self):
        self.refuses("int SizeForTest();\n", "no methods for tests")

    # ---- what is dangerous

    def test_capture_all_by_value(self):
        self.refuses("auto f = [=] { return a; };\n", "[=]")
        self.refuses("auto f = [=, &b] { return a; };\n", "[=]")

    def test_capture_all_by_reference_in_what_is_posted(self):
        for call in ("strand_.Post([&] { F(); })",
                     "strand->PostAt(now, [&, a] { F(); })",
                     "state_.strand.Post(Bind(1, [&] { F(); }))"):
            self.refuses(f"void G() {{\n  {call};\n}}\n", "[&]")
        self.passes("void G() {\n  strand.Post([this, a] { F(); });\n"
                    "  Each([&] { F(); });\n  Post(a[i], b & c);\n}\n")
        self.passes("void G() {\n  strand.Post([&] { F(); });\n}\n",
                    "base/thing_test.cc")

    def test_sleeps(self):
        for call in ("std::this_thread::sleep_for(1ms)", "usleep(10)",
                     "::nanosleep(&a, nullptr)"):
            for path in ("base/thing.cc", "base/thing_test.cc"):
                self.refuses(f"void G() {{\n  {call};\n}}\n", "wait for",
                             path)
        self.passes("// never usleep(10)\n")

    def test_locks(self):
        self.refuses("std::mutex m;\n", "base::Mutex")
        self.passes("std::mutex m;\n", "base/mutex.cc")
        self.passes("std::mutex m;\n", "base/thing_test.cc")

    # ---- co_await

    def refused_await(self, statement):
        self.refuses(f"Coro F() {{\n  {statement}\n}}\n", "co_await")

    def test_co_await_beside_a_braced_value(self):
        self.refused_await("co_await f(Opt{.name = s});")
        self.refused_await("auto r = co_await f({s, 1});")
        self.refused_await("T x{co_await f(), 1};")
        self.refused_await("co_return co_await f(a,\n    std::vector<T>{s});")
        self.refused_await("if (co_await f(Opt{s, 1})) G();")
        self.refused_await("g(); co_await f(a, {});")

    def test_co_await_alone(self):
        for statement in ("Opt o{.name = s}; co_await f(o);",
                          "co_await f(Opt().Name(s));",
                          "co_await f([a](int b) { return b; });",
                          "if (co_await f()) { G(); }",
                          "auto r = f(Opt{s}); co_await r;",
                          "for (auto x : co_await f()) { G({1}); }",
                          "try { co_await f(); } catch (...) { H({1}); }",
                          "// co_await f(Opt{s});"):
            self.passes(f"Coro F() {{\n  {statement}\n}}\n")

    # ---- lost files

    def test_file_that_no_target_names(self):
        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "a"))
            with open(os.path.join(root, "a", "BUILD"), "w") as build:
                build.write('mobula_library(name = "b")\n'
                            'cc_test(name = "t", srcs = ["x/c.cc"])\n')
            self.assertEqual([], list(tool.check_built(
                root, ["a/b.h", "a/b.cc", "a/x/c.cc"])))
            lost = list(tool.check_built(root, ["a/b_test.cc", "d/e.cc"]))
            self.assertEqual(2, len(lost), lost)


if __name__ == "__main__":
    unittest.main()
