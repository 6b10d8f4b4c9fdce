#include "examples/flags/flags.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace examples {
namespace {

// A program with a flag of each kind.
class FlagsTest : public testing::Test {
 protected:
  FlagsTest() {
    flags_.Number("--width", &width_, 1, 8, "pixels in a row");
    flags_.Number("--seed", &seed_, 0, ~std::uint64_t{0}, "of all chance");
    flags_.Number("--rate", &rate_, 0.5, 2, "of learning");
    flags_.Text("--out", &out_, "where the image goes");
    flags_.Choice("--mode", &mode_, {"sync", "async"}, "of training");
    flags_.Switch("--verify", &verify_, "compute it again");
  }

  std::string ErrorOf(const std::vector<std::string>& arguments) {
    try {
      flags_.Parse(arguments);
    } catch (const BadFlag& error) {
      return error.what();
    }
    return "";
  }

  Flags flags_{"test", "Reads flags."};
  std::uint32_t width_ = 4;
  std::uint64_t seed_ = 1;
  double rate_ = 1;
  std::string out_ = "a.png";
  std::size_t mode_ = 0;
  bool verify_ = false;
};

TEST_F(FlagsTest, DefaultsStay) {
  flags_.Parse({});
  EXPECT_EQ(width_, 4u);
  EXPECT_EQ(out_, "a.png");
  EXPECT_FALSE(verify_ || flags_.help());
}

TEST_F(FlagsTest, ValuesStandBesideOrBehindTheName) {
  flags_.Parse({"--width", "8", "--seed=18446744073709551615", "--rate=0.5",
                "--out", "b=c.png", "--mode", "async", "--verify"});
  EXPECT_EQ(width_, 8u);
  EXPECT_EQ(seed_, ~std::uint64_t{0});
  EXPECT_EQ(rate_, 0.5);
  EXPECT_EQ(out_, "b=c.png");
  EXPECT_EQ(mode_, 1u);
  EXPECT_TRUE(verify_);
}

TEST_F(FlagsTest, HelpNamesEveryFlagAndItsDefault) {
  flags_.Parse({"-h"});
  EXPECT_TRUE(flags_.help());
  const std::string usage = flags_.Usage();
  for (const char* part :
       {"usage: test", "--width N", "pixels in a row (default 4)", "--verify",
        "--mode sync|async", "(default sync)", "--mobula-"}) {
    EXPECT_NE(usage.find(part), std::string::npos) << part;
  }
}

TEST_F(FlagsTest, TheRuntimesOwnFlagsArePassedOver) {
  flags_.Parse({"--mobula-cpus", "4", "--mobula-memory=1G", "--mobula-local",
                "--width", "2"});
  EXPECT_EQ(width_, 2u);
}

TEST_F(FlagsTest, WhatMakesNoSenseIsNamed) {
  EXPECT_EQ(ErrorOf({"--nope"}), "there is no option --nope");
  EXPECT_EQ(ErrorOf({"picture.png"}), "there is no option picture.png");
  EXPECT_EQ(ErrorOf({"--width"}),
            "--width wants a number from 1 to 8, not \"\"");
  for (const char* value : {"0", "9", "-1", "x", "3x", "4294967297", ""}) {
    EXPECT_EQ(ErrorOf({"--width", value}),
              "--width wants a number from 1 to 8, not \"" +
                  std::string(value) + "\"");
  }
  EXPECT_EQ(width_, 4u);
  EXPECT_EQ(ErrorOf({"--rate=nan"}),
            "--rate wants a number from 0.5 to 2, not \"nan\"");
  EXPECT_EQ(ErrorOf({"--mode=both"}),
            "--mode wants one of sync|async, not \"both\"");
  EXPECT_EQ(ErrorOf({"--out="}), "--out wants a text, not \"\"");
  EXPECT_EQ(ErrorOf({"--verify=yes"}), "--verify wants no value");
}

}  // namespace
}  // namespace examples
