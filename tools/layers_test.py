"""Tests of tools/layers: each rule refuses what it is there to refuse."""

import os
import shutil
import subprocess
import tempfile
import unittest

import unittests

tool = unittests.load(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers"))


class LayersTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def write(self, **files):
        """Writes files; in the keys __ stands for /, and the last _ for a
        dot."""
        for key, text in files.items():
            path = ".".join(key.replace("__", "/").rsplit("_", 1))
            path = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)

    def wrong(self, **files):
        shutil.rmtree(self.root)
        self.write(base__a_h="", **files)
        return list(tool.check_tree(self.root))

    def refuses(self, words, **files):
        found = self.wrong(**files)
        self.assertEqual(1, len(found), found)
        self.assertIn(words, found[0])

    def passes(self, **files):
        self.assertEqual([], self.wrong(**files))

    # ---- direction

    def test_base_stands_alone(self):
        self.refuses("base/ must not include runtime/", runtime__x__b_h="",
                     base__c_h='#include "runtime/x/b.h"\n')

    def test_roles_do_not_know_one_another(self):
        for one in ("gcs", "raylet", "runtime"):
            for other in {"gcs", "raylet", "runtime"} - {one}:
                self.refuses(f"{one}/ must not include {other}/",
                             **{f"{other}__server__b_h": "",
                                f"{one}__server__c_cc":
                                f'#include "{other}/server/b.h"\n'})

    def test_headers_of_api_see_base_alone(self):
        self.passes(runtime__process__b_h="", api__mobula__c_h=
                    '#include "base/a.h"\n', api__c_cc=
                    '#include "runtime/process/b.h"\n')
        self.refuses("api/ must not include runtime/", runtime__process__b_h=
                     "", api__mobula__c_h='#include "runtime/process/b.h"\n')

    def test_public_paths_are_those_of_api(self):
        self.passes(api__mobula__c_h="",
                    examples__d_cc="#include <mobula/c.h>\n")
        self.refuses("cli/ must not include api/", api__mobula__c_h="",
                     cli__d_cc="#include <mobula/c.h>\n")

    def test_examples_see_what_users_see(self):
        self.refuses("examples/ must not include base/",
                     examples__d_cc='#include "base/a.h"\n')

    def test_unknown_folder(self):
        self.refuses("has no place", stuff__d_cc='#include "base/a.h"\n')

    def test_missing_file(self):
        self.refuses("no such file", base__d_cc='#include "base/lost.h"\n')

    def test_include_in_a_comment(self):
        self.passes(base__d_cc='// #include "base/lost.h"\n/*\n'
                    '#include "base/lost.h"\n*/\n')

    def test_circle(self):
        self.refuses("a circle", base__c_h='#include "base/d.h"\n',
                     base__d_h='#include "base/c.h"\n')

    # ---- machines

    def test_machines_do_not_know_one_another(self):
        self.refuses("machines do not know one another",
                     raylet__leases__b_h="", raylet__workers__c_h=
                     '#include "raylet/leases/b.h"\n')

    def test_core_knows_its_machines(self):
        self.passes(raylet__leases__b_h='#include "raylet/core/events.h"\n',
                    raylet__core__events_h="",
                    raylet__core__core_h='#include "raylet/leases/b.h"\n')

    def test_machines_do_not_know_the_core(self):
        self.refuses("does not know the core", runtime__core__core_h="",
                     runtime__refs__b_h='#include "runtime/core/core.h"\n')

    def test_pure_code_includes_no_shell(self):
        self.refuses("must not include a shell", runtime__process__b_h="",
                     runtime__core__c_h='#include "runtime/process/b.h"\n')

    # ---- purity

    def test_pure_code_reaches_no_world(self):
        for header in ("thread", "mutex", "random", "fstream", "unistd.h",
                       "sys/socket.h", "absl/time/clock.h"):
            for path in ("raylet__core__b_cc", "base__session__b_h",
                         "runtime__refs__b_h"):
                self.refuses("pure code reaches",
                             **{path: f"#include <{header}>\n"})

    def test_pure_code_reaches_no_world_by_the_way(self):
        self.refuses("base/b.h", base__b_h="#include <thread>\n",
                     raylet__core__c_h='#include "base/b.h"\n')
        self.refuses("pure code reaches base/clock.h", base__clock_h="",
                     raylet__core__c_h='#include "base/clock.h"\n')

    def test_shells_and_tests_may(self):
        self.passes(raylet__server__b_cc="#include <thread>\n",
                    raylet__core__b_test_cc="#include <random>\n",
                    base__session__fake_b_h="#include <thread>\n")

    def test_pure_code_has_no_container_in_order_of_chance(self):
        self.refuses("whose order is chance", runtime__tasks__b_h=
                     "#include <absl/container/flat_hash_map.h>\n")

    def test_pure_code_does_not_walk_unordered_containers(self):
        member = ("struct A { std::unordered_map<int, std::set<int>> m_;\n"
                  "std::map<int, int> n_; };\n")
        alias = ("using M = std::unordered_set<int>;\nstruct A { M m_; "
                 "std::set<int> n_; };\n")
        for declared in (member, alias):
            for walk in ("for (auto& [k, v] : m_) {}", "auto i = a.m_.begin();",
                         "for (std::size_t i : a->m_) {}",
                         "std::erase_if(a.m_, f);"):
                self.refuses("ordered containers only",
                             runtime__tasks__b_h=declared,
                             runtime__tasks__b_cc=f"void F() {{ {walk} }}\n")
            self.passes(runtime__tasks__b_h=declared, runtime__tasks__b_cc=
                        "void F() { for (auto& k : n_) m_.find(k); "
                        "for (int i = a ? b : c; i < m_.size(); ++i) {}\n"
                        "n_.begin(); return m_.end(); }\n")
            self.passes(runtime__tasks__b_h=declared, runtime__tasks__b_cc=
                        "void F() {\nfor (auto& k : m_) v.push_back(k);\n"
                        "std::sort(v.begin(), v.end());\n}\n")
            self.passes(raylet__server__b_cc=declared
                        + "void F() { for (auto& k : m_) {} }\n")

    # ---- libraries

    def test_grpc_in_base_rpc_alone(self):
        self.passes(base__rpc__b_h="#include <grpcpp/grpcpp.h>\n")
        self.refuses("gRPC belongs to base/rpc", raylet__server__b_h=
                     "#include <grpcpp/grpcpp.h>\n")

    def test_one_header_before_a_library(self):
        for include in ("spdlog/spdlog.h", "CLI/CLI.hpp", "boost/asio.hpp",
                        "yaml-cpp/yaml.h"):
            text = f"#include <{include}>\n"
            self.passes(base__b_h=text, base__b_cc=text, base__b_test_cc=text)
            self.refuses("stands behind one header", base__b_h=text,
                         cli__c_cc=text)

    def test_public_headers_are_light(self):
        for include in ("absl/status/status.h", "spdlog/spdlog.h",
                        "boost/asio.hpp"):
            self.refuses("a user's program must not see",
                         base__b_h=f"#include <{include}>\n",
                         api__mobula__c_h='#include "base/b.h"\n')
        self.passes(api__mobula__c_h="#include <boost/pfr.hpp>\n")

    # ---- symbols

    def compile(self, name, text):
        source = os.path.join(self.root, name + ".cc")
        with open(source, "w", encoding="utf-8") as out:
            out.write(text)
        folder = os.path.join(self.root, "bin/raylet/core")
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["g++", "-c", "-std=c++20", source, "-o",
                        source + ".o"], check=True)
        subprocess.run(["ar", "rcs", os.path.join(folder, f"lib{name}.a"),
                        source + ".o"], check=True)

    def symbols(self):
        return list(tool.check_symbols(self.root,
                                       os.path.join(self.root, "bin")))

    def test_worldly_symbols(self):
        self.write(raylet__core__b_h="")
        self.compile("b", "#include <map>\n#include <string>\n"
                     "std::map<int, std::string> m;\n"
                     "void F() { m[1] = std::to_string(m.size()); }\n")
        self.assertEqual([], self.symbols())
        for text, name in (
                ("#include <chrono>\nauto F() { return "
                 "std::chrono::steady_clock::now(); }\n", "now("),
                ("#include <ctime>\nauto F() { return time(nullptr); }\n",
                 "time"),
                ("#include <cstdlib>\nauto F() { return getenv(\"A\"); }\n",
                 "getenv"),
                ("#include <random>\nstd::random_device d;\n",
                 "std::random_device"),
                ("#include <thread>\nstd::thread F() { return "
                 "std::thread([] {}); }\n", "std::thread"),
                ("#include <sys/socket.h>\nint F() { return socket(1, 1, 0);"
                 " }\n", "socket")):
            self.compile("b", text)
            self.assertIn(name, " ".join(self.symbols()))

    def test_unbuilt_objects(self):
        self.assertIn("no object", " ".join(self.symbols()))
        self.write(raylet__core__b_h="")
        self.assertIn("not built", " ".join(self.symbols()))


if __name__ == "__main__":
    unittest.main()
