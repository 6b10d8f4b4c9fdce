#include "cli/cluster/yaml.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

namespace mobula::cli {
namespace {

YamlNode Good(const std::string& text) {
  std::string error;
  const auto root = ReadYaml(text, &error);
  EXPECT_TRUE(root) << error;
  return root.value_or(YamlNode{});
}

std::string Error(const std::string& text) {
  std::string error;
  EXPECT_FALSE(ReadYaml(text, &error)) << text;
  return error;
}

TEST(YamlTest, ATreeWithLines) {
  const YamlNode root = Good(
      "# of people\n"
      "name: a\n"
      "list:\n"
      "  - 1\n"
      "  - \"2\"\n"
      "  - {x: y, none: }\n"
      "text: |\n"
      "  two\n"
      "  lines\n");
  ASSERT_EQ(root.kind, YamlNode::Kind::kMap);
  EXPECT_EQ(root.Find("name")->text, "a");
  EXPECT_EQ(root.Find("name")->line, 2);
  EXPECT_EQ(root.Find("absent"), nullptr);
  const YamlNode& list = *root.Find("list");
  ASSERT_EQ(list.items.size(), 3u);
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_EQ(list.items[1].text, "2");
  EXPECT_EQ(list.items[2].Find("x")->text, "y");
  EXPECT_EQ(list.items[2].Find("none")->kind, YamlNode::Kind::kNull);
  EXPECT_EQ(list.items[2].line, 6);
  EXPECT_EQ(root.Find("text")->text, "two\nlines\n");
  EXPECT_EQ(root.entries[1].key, "list");
  EXPECT_EQ(root.entries[1].line, 3);
}

TEST(YamlTest, NothingIsNothing) {
  EXPECT_EQ(Good("").kind, YamlNode::Kind::kNull);
  EXPECT_EQ(Good("# only words\n").kind, YamlNode::Kind::kNull);
  EXPECT_EQ(Good("---\n").kind, YamlNode::Kind::kNull);
}

TEST(YamlTest, WhatIsRefusedIsNamedByItsLine) {
  EXPECT_EQ(Error("a: 1\n\tb: 2\n"),
            "2: a tab at the beginning: indent with spaces");
  EXPECT_EQ(Error("a: 1\nb: 2\na: 3\n"),
            "3: 'a' stands there twice; first in line 1");
  EXPECT_EQ(Error("a: &x 1\n"), "1: anchors (&x) are not taken: write it out");
  EXPECT_TRUE(Error("a: 1\nb: *x\n").starts_with("2: "));
  EXPECT_EQ(Error("a: !!binary x\n"),
            "1: tags (tag:yaml.org,2002:binary) are not taken");
  EXPECT_EQ(Error("[a]: 1\n"), "1: a key is a word, no list and no map");
  EXPECT_TRUE(Error("a: 1\n---\nb: 1\n").ends_with("second document (---)"));
  EXPECT_TRUE(Error("a: 1\nb: [1, 2\n").starts_with("3: "));
  EXPECT_TRUE(Error("a: \"x").starts_with("1: "));
  EXPECT_EQ(Error(std::string("a: \0b", 5)), "1: a control character");
  EXPECT_EQ(Error("a: 1\nb: \xff\n"), "2: it is no UTF-8");
  EXPECT_EQ(Error("a: \"x\\0y\"\n"), "1: a zero byte");
}

TEST(YamlTest, BombsAreBounded) {
  // "A billion laughs".
  std::string laughs = "a: &a [x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    laughs += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" +
              char(c - 1) + "]\n";
  }
  EXPECT_TRUE(Error(laughs).starts_with("1: anchors"));
  EXPECT_TRUE(Error(std::string(kYamlBytesMax + 1, ' ')).find("larger") !=
              std::string::npos);
  std::string deep;
  for (std::size_t i = 0; i <= kYamlDepthMax; ++i) deep += "[";
  for (std::size_t i = 0; i <= kYamlDepthMax; ++i) deep += "]";
  EXPECT_EQ(Error(deep), "1: nested deeper than 16");
  EXPECT_FALSE(Error(std::string(100'000, '[')).empty());
  EXPECT_FALSE(Error(std::string(100'000, '{')).empty());
  std::string dashes;
  for (int i = 0; i < 10'000; ++i) dashes += "- ";
  EXPECT_FALSE(Error(dashes).empty());
  std::string many = "a:\n";
  for (std::size_t i = 0; i < kYamlNodesMax; ++i) many += "- 1\n";
  EXPECT_TRUE(Error(many).ends_with("more than 20000 values"));
}

// Whatever comes, it is a tree or a sentence with a line.
TEST(YamlTest, RandomTexts) {
  const std::string signs = "ab:-[]{}\"'\n\n  ,|>#&*!%@`?1";
  std::mt19937 chance(17);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const std::uint32_t size = chance() % 40;
    for (std::uint32_t i = 0; i < size; ++i) {
      text += signs[chance() % signs.size()];
    }
    std::string error;
    if (ReadYaml(text, &error)) continue;
    const std::size_t colon = error.find(": ");
    ASSERT_NE(colon, std::string::npos) << error << "\n" << text;
    ASSERT_GE(std::stoi(error.substr(0, colon)), 1) << error << "\n" << text;
  }
}

}  // namespace
}  // namespace mobula::cli
