#include "cli/tools/id_matches.h"

#include <gtest/gtest.h>

namespace mobula::cli {
namespace {

TEST(IdMatchesTest, WhatPeopleTypeOfAnId) {
  EXPECT_TRUE(IdMatches::IsBeginning("a3f0"));
  EXPECT_TRUE(IdMatches::IsBeginning(std::string(32, 'a')));
  EXPECT_FALSE(IdMatches::IsBeginning("a3f"));
  EXPECT_FALSE(IdMatches::IsBeginning(std::string(33, 'a')));
  EXPECT_FALSE(IdMatches::IsBeginning("counter"));
}

TEST(IdMatchesTest, WhatMayBeAPid) {
  EXPECT_TRUE(IsPid("17"));
  EXPECT_TRUE(IsPid("4194304"));
  EXPECT_FALSE(IsPid(""));
  EXPECT_FALSE(IsPid("12345678"));
  EXPECT_FALSE(IsPid("1a"));
}

TEST(IdMatchesTest, OneOfSeveral) {
  IdMatches matches("a3f0");
  EXPECT_TRUE(matches.Add("a3f0001", "first"));
  EXPECT_FALSE(matches.Add("b3f0001", "other"));
  EXPECT_EQ(matches.found().size(), 1u);
}

TEST(IdMatchesTest, TheCandidatesAreNamed) {
  IdMatches matches("a3f0");
  EXPECT_EQ(matches.Complaint(), "nothing that lives has the id a3f0");
  matches.Add("a3f0001", "first");
  matches.Add("a3f0002", "second");
  EXPECT_EQ(matches.Complaint(),
            "a3f0 may be any of\n  a3f0001  first\n  a3f0002  second");
}

}  // namespace
}  // namespace mobula::cli
