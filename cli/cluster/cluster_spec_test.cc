#include "cli/cluster/cluster_spec.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace mobula::cli {
namespace {

const SpecSurroundings kAround = {"/home/me/work", "/home/me"};

ClusterSpec Good(const std::string& text) {
  std::vector<SpecError> errors;
  const auto spec = ParseClusterSpec(text, kAround, &errors);
  for (const SpecError& error : errors) {
    ADD_FAILURE() << error.line << ": " << error.what;
  }
  return spec.value_or(ClusterSpec{});
}

// All sentences, "LINE: WHAT" each.
std::vector<std::string> Errors(const std::string& text) {
  std::vector<SpecError> errors;
  EXPECT_FALSE(ParseClusterSpec(text, kAround, &errors)) << text;
  std::vector<std::string> all;
  for (const SpecError& error : errors) {
    all.push_back(std::to_string(error.line) + ": " + error.what);
  }
  return all;
}

// The only one.
std::string Error(const std::string& text) {
  const auto all = Errors(text);
  EXPECT_EQ(all.size(), 1u) << text;
  return all.empty() ? "" : all[0];
}

constexpr char kLeast[] = "name: a\nprovider: {type: local}\nhead: {}\n";

TEST(ClusterSpecTest, TheLeastThatIsACluster) {
  const ClusterSpec spec = Good(kLeast);
  EXPECT_EQ(spec.name, "a");
  EXPECT_EQ(spec.provider.kind, ProviderKind::kLocal);
  EXPECT_EQ(spec.head.name, "head");
  EXPECT_FALSE(spec.head.cpus);
  EXPECT_TRUE(spec.workers.empty() && spec.needed.empty());
}

TEST(ClusterSpecTest, AllThatANodeOffers) {
  const ClusterSpec spec = Good(
      "name: big-1\n"
      "provider: {type: local, folder: /data}\n"
      "head: {cpus: 0}\n"
      "workers:\n"
      "  zz:\n"
      "    count: 3\n"
      "    cpus: 1.5\n"
      "    memory: 50%\n"
      "    object_store_memory: 2GiB\n"
      "    workers_max: 8\n"
      "    resources: {gpu: 2, disk-x: 0.5}\n"
      "    labels: {zone: a, empty: , n: 1}\n"
      "    environment: {A: 'b c'}\n"
      "    setup: [\"echo 1\"]\n"
      "  aa: {count: 0}\n"
      "environment: {PATH_TO: /x, N: 1}\n"
      "setup:\n"
      "  - |\n"
      "    one\n"
      "    two\n");
  EXPECT_EQ(spec.provider.folder, "/data");
  EXPECT_EQ(spec.head.cpus, 0);
  ASSERT_EQ(spec.workers.size(), 2u);
  const NodeType& type = spec.workers[0];
  EXPECT_EQ(type.name, "zz");
  EXPECT_EQ(type.count, 3);
  EXPECT_EQ(type.cpus, 1.5);
  EXPECT_EQ(type.memory, "50%");
  EXPECT_EQ(type.object_store_memory, "2GiB");
  EXPECT_EQ(type.workers_max, 8);
  EXPECT_EQ(type.resources.at("disk-x"), 0.5);
  EXPECT_EQ(type.labels.at("n"), "1");
  EXPECT_EQ(type.labels.at("empty"), "");
  EXPECT_EQ(type.environment.at("A"), "b c");
  EXPECT_EQ(spec.environment.at("N"), "1");
  EXPECT_EQ(spec.setup, std::vector<std::string>{"one\ntwo\n"});
  EXPECT_EQ(spec.FindType("aa"), &spec.workers[1]);
  EXPECT_EQ(spec.FindType("head"), &spec.head);
  EXPECT_EQ(spec.FindType("b"), nullptr);
}

TEST(ClusterSpecTest, Ssh) {
  const ClusterSpec spec = Good(
      "name: a\n"
      "provider:\n"
      "  hosts:\n"
      "    - 10.0.0.1\n"
      "    - {host: two.example, address: 10.0.0.2, user: b, port: 23,\n"
      "       type: gpu}\n"
      "  type: ssh\n"
      "  user: me\n"
      "  port: 2222\n"
      "  key: ~/.ssh/key\n"
      "  known_hosts: hosts\n"
      "head: {}\n"
      "workers: {gpu: {count: 1}}\n");
  EXPECT_EQ(spec.provider.kind, ProviderKind::kSsh);
  EXPECT_EQ(spec.provider.key, "/home/me/.ssh/key");
  EXPECT_EQ(spec.provider.known_hosts, "/home/me/work/hosts");
  ASSERT_EQ(spec.provider.hosts.size(), 2u);
  const SshHost& one = spec.provider.hosts[0];
  EXPECT_EQ(one.host + one.user + one.address, "10.0.0.1me10.0.0.1");
  EXPECT_EQ(one.port, 2222);
  const SshHost& two = spec.provider.hosts[1];
  EXPECT_EQ(two.host + two.user + two.address, "two.exampleb10.0.0.2");
  EXPECT_EQ(two.port, 23);
  EXPECT_EQ(two.type, "gpu");
  ASSERT_EQ(spec.needed.size(), 2u);
  EXPECT_EQ(spec.needed[0].path, "/home/me/.ssh/key");
  EXPECT_EQ(spec.needed[0].line, 10);
  EXPECT_TRUE(spec.needed[0].is_secret);
}

TEST(ClusterSpecTest, FilesGoBelowTheNodesFolder) {
  const ClusterSpec spec = Good(std::string(kLeast) +
                                "files:\n"
                                "  - from: data/words.txt\n"
                                "  - {from: /etc/hosts, to: a/./b}\n");
  ASSERT_EQ(spec.files.size(), 2u);
  EXPECT_EQ(spec.files[0].from, "/home/me/work/data/words.txt");
  EXPECT_EQ(spec.files[0].to, "words.txt");
  EXPECT_EQ(spec.files[1].to, "a/b");
  EXPECT_EQ(spec.needed[1].line, 6);
  for (const char* const to : {"/x", "../x", "a/../../x", ".", "a/", "''"}) {
    EXPECT_FALSE(
        Errors(std::string(kLeast) + "files: [{from: x, to: " + to + "}]\n")
            .empty())
        << to;
  }
  EXPECT_EQ(Error(std::string(kLeast) + "files: [{from: a/x}, {from: b/x}]\n"),
            "4: two files go to x");
  EXPECT_EQ(Error(std::string(kLeast) + "files: [{to: x}]\n"),
            "4: a file needs from: what is to be copied");
}

TEST(ClusterSpecTest, WhatIsMissing) {
  EXPECT_EQ(Errors("{}"), (std::vector<std::string>{
                              "1: there is no name", "1: there is no provider",
                              "1: there is no head: say head: {} for one as "
                              "it comes"}));
  EXPECT_EQ(Error(""), "1: it says nothing of a cluster: begin with name:");
  EXPECT_EQ(Error("- a\n"),
            "1: it says nothing of a cluster: begin with name:");
  EXPECT_EQ(Error("name: a\nhead:\nprovider: {}\n"),
            "3: provider needs a type: local, docker or ssh");
  EXPECT_EQ(Error("name: a\nhead:\nprovider: {type: docker}\n"),
            "3: provider docker needs an image");
  EXPECT_EQ(Error("name: a\nhead:\nprovider: {type: ssh}\n"),
            "3: provider ssh needs hosts");
}

struct Bad {
  const char* text;   // behind kLeast, so it begins in line 4
  const char* error;  // the beginning of it
};

TEST(ClusterSpecTest, WhatIsWrongIsNamedByItsLine) {
  const std::vector<Bad> all = {
      {"nmae: b\n", "4: 'nmae' is no key of the file; there are: environment,"},
      {"workers: 3\n", "4: workers is a map of types of nodes"},
      {"workers: {b: {count: -1}}\n",
       "4: count is a whole number from 0 to 999, and here is '-1'"},
      {"workers: {b: {count: 1.5}}\n", "4: count is a whole number"},
      {"workers: {b: {count: \"1\"}}\n", "4: count is a whole number"},
      {"workers: {b: {count: [1]}}\n",
       "4: count is a whole number from 0 to 999, and here is a list"},
      {"workers:\n  b:\n    count: 1\n    cpu: 1\n",
       "7: 'cpu' is no key of workers b; there are: count, cpus,"},
      {"workers: {b: {}, b: {}}\n", "4: 'b' stands there twice"},
      {"workers: {head: {}}\n", "4: a type of workers is named head"},
      {"workers: {B_: {}}\n", "4: 'B_': a type's name is of a-z"},
      {"workers: {b: {cpus: -1}}\n", "4: cpus is a number from 0 to 1000000"},
      {"workers: {b: {cpus: nan}}\n", "4: cpus is a number"},
      {"workers: {b: {cpus: 1x}}\n", "4: cpus is a number"},
      {"workers: {b: {memory: 4 GiB}}\n", "4: memory: "},
      {"workers: {b: {memory: -1}}\n", "4: memory: "},
      {"workers: {b: {object_store_memory: [1]}}\n",
       "4: object_store_memory is a word, and here is a list"},
      {"workers: {b: {resources: {cpu: 1}}}\n", "4: resources: 'cpu'"},
      {"workers: {b: {resources: {a=b: 1}}}\n", "4: resources: 'a=b'"},
      {"workers: {b: {resources: {gpu: -1}}}\n",
       "4: resource gpu is a number from 0"},
      {"workers: {b: {resources: [gpu]}}\n", "4: resources is a map"},
      {"workers: {b: {labels: {mobula/x: 1}}}\n", "4: labels: 'mobula/x'"},
      {"workers: {b: {labels: {x: [1]}}}\n", "4: each value of labels is"},
      {"workers: {b: {count: 600}, c: {count: 600}}\n", "4: 1201 nodes"},
      {"environment: {A B: 1}\n", "4: environment: 'A B' is no name"},
      {"environment: {MOBULA_ADDRESS: x}\n",
       "4: environment: MOBULA_ADDRESS is set by mobula itself"},
      {"setup: echo\n", "4: setup is a list, and here is a word"},
      {"setup: [\"\"]\n", "4: each of setup is empty"},
      {"files: x\n", "4: files is a list of {from: PATH, to: PATH}"},
      {"files: [{from: x, too: y}]\n", "4: 'too' is no key of a file"},
      {"\tx: 1\n", "4: a tab at the beginning"},
      {"setup: &x [a]\n", "4: anchors (&x)"},
      {"name: b\n", "4: 'name' stands there twice; first in line 1"},
  };
  for (const Bad& bad : all) {
    const std::string error = Error(std::string(kLeast) + bad.text);
    EXPECT_TRUE(error.starts_with(bad.error)) << bad.text << error;
  }
}

TEST(ClusterSpecTest, WhatIsWrongWithAProvider) {
  const std::vector<Bad> all = {
      {"local", "2: provider is a map, and here is a word"},
      {"{type: aws}", "2: there is no provider 'aws': local, docker or ssh"},
      {"{type: local, image: x}", "2: 'image' is no key of provider local"},
      {"{type: local, folder: x}", "2: folder is an absolute path"},
      {"{type: local, folder: /a/folder/that/is/really/not/short/at/all/1}",
       "2: folder is too long for the paths of sockets"},
      {"{type: docker, image: -x}", "2: image begins with -"},
      {"{type: docker, image: x, listen_port: 0}", "2: listen_port is a whole"},
      {"{type: ssh, hosts: []}", "2: hosts is a list of one or more"},
      {"{type: ssh, hosts: [-oProxyCommand=x]}", "2: '-oProxyCommand=x' is no"},
      {"{type: ssh, hosts: [a@b]}", "2: 'a@b' is no name or number"},
      {"{type: ssh, hosts: [a, a]}", "2: the host a is there twice"},
      {"{type: ssh, hosts: [{host: a, type: b}]}",
       "2: there is no type of nodes 'b'"},
      {"{type: ssh, user: -x, hosts: [a]}", "2: '-x' is no name of a user"},
      {"{type: ssh, port: 70000, hosts: [a]}", "2: port is a whole number"},
      {"{type: ssh, hosts: [{host: a, address: b}]}",
       "2: address is a number such as 10.0.0.1, and here is 'b'"},
  };
  for (const Bad& bad : all) {
    const std::string error =
        Error(std::string("name: a\nprovider: ") + bad.text + "\nhead: {}\n");
    EXPECT_TRUE(error.starts_with(bad.error)) << bad.text << error;
  }
}

TEST(ClusterSpecTest, Names) {
  for (const char* const good : {"a", "a-b", "0", "abc-9"}) {
    EXPECT_TRUE(IsClusterName(good)) << good;
  }
  for (const char* const bad : {"", "-a", "a-", "A", "a.b", "../a", "a b"}) {
    EXPECT_FALSE(IsClusterName(bad)) << bad;
  }
  EXPECT_FALSE(IsClusterName(std::string(33, 'a')));
}

TEST(ClusterSpecTest, ErrorsAndSizesAreBounded) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "key" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(Errors(text).size(), kSpecErrorsMax);
  EXPECT_EQ(Error(kLeast + std::string(kSpecBytesMax, '#')).substr(0, 12),
            "1: it is lar");
}

}  // namespace
}  // namespace mobula::cli
