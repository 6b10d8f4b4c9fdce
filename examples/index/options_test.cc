#include "examples/index/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace indexer {
namespace {

using List = std::vector<std::string>;

Options Parsed(const List& arguments) {
  Options options;
  std::string error;
  EXPECT_TRUE(ParseOptions(arguments, &options, &error)) << error;
  return options;
}

std::string ErrorOf(const List& arguments) {
  Options options;
  std::string error;
  EXPECT_FALSE(ParseOptions(arguments, &options, &error));
  return error;
}

TEST(OptionsTest, DefaultsAreUsable) {
  const Options options = Parsed({});
  EXPECT_EQ(options.folder, "/usr/share/doc");
  EXPECT_EQ(options.query, "");
  EXPECT_FALSE(options.verify);
  EXPECT_EQ(options.kill_every.count(), 0);
}

TEST(OptionsTest, FlagsMayStandAnywhere) {
  const Options options =
      Parsed({"--workers", "3", "/a", "--verify", "apple", "--shards=7", "pie",
              "--kill-every", "0.5", "--kills=2", "--seed", "9", "--names"});
  EXPECT_EQ(options.workers, 3u);
  EXPECT_EQ(options.shards, 7u);
  EXPECT_EQ(options.folder, "/a");
  EXPECT_EQ(options.query, "apple pie");
  EXPECT_EQ(options.kill_every.count(), 500);
  EXPECT_EQ(options.kills, 2u);
  EXPECT_EQ(options.seed, 9u);
  EXPECT_TRUE(options.verify && options.names_all);
  EXPECT_EQ(Parsed({"--", "--verify"}).folder, "--verify");
  EXPECT_TRUE(Parsed({"--help"}).help);
  EXPECT_TRUE(Parsed({"-h"}).help);
}

TEST(OptionsTest, TheRuntimesOwnFlagsArePassedOver) {
  const Options options = Parsed(
      {"--mobula-cpus", "4", "--mobula-memory=1G", "--mobula-local", "/a"});
  EXPECT_EQ(options.folder, "/a");
  EXPECT_EQ(options.query, "");
  EXPECT_TRUE(options.is_local);
}

TEST(OptionsTest, WhatMakesNoSenseIsNamed) {
  EXPECT_EQ(ErrorOf({"--nope"}), "there is no option --nope");
  EXPECT_EQ(ErrorOf({"--workers"}),
            "--workers wants a number from 1 to 1024, not \"\"");
  EXPECT_EQ(ErrorOf({"--workers=0"}),
            "--workers wants a number from 1 to 1024, not \"0\"");
  EXPECT_EQ(ErrorOf({"--shards", "x"}),
            "--shards wants a number from 1 to 1024, not \"x\"");
  EXPECT_EQ(ErrorOf({"--kills=-1"}), "--kills wants a number, not \"-1\"");
  EXPECT_EQ(ErrorOf({"--kill-every=0"}),
            "--kill-every wants a number, not \"0\"");
  EXPECT_EQ(ErrorOf({"--verify=yes"}), "there is no option --verify");
}

}  // namespace
}  // namespace indexer
