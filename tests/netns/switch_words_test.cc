#include "tests/netns/switch_words.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace mobula::test {
namespace {

using std::chrono::milliseconds;

std::string ErrorOf(const std::string& line) {
  std::string error;
  EXPECT_FALSE(ParseSwitchWord(line, 8, &error)) << line;
  return error;
}

template <class Word>
Word Read(const std::string& line) {
  std::string error;
  const auto word = ParseSwitchWord(line, 8, &error);
  EXPECT_TRUE(word) << line << ": " << error;
  if (!word || !std::holds_alternative<Word>(*word)) {
    ADD_FAILURE() << line;
    return {};
  }
  return std::get<Word>(*word);
}

TEST(SwitchWordsTest, AttachAndDetach) {
  const auto attach =
      Read<Attach>("attach 3 /proc/12/ns/net 10.77.0.3/24 fd77::3/64");
  EXPECT_EQ(attach.port, 3);
  EXPECT_EQ(attach.network_namespace, "/proc/12/ns/net");
  ASSERT_EQ(attach.addresses.size(), 2u);
  EXPECT_EQ(attach.addresses[1].address.ToString(), "fd77::3");
  EXPECT_EQ(Read<Detach>("detach 8").port, 8);
  Read<AskCounts>("counts");
}

TEST(SwitchWordsTest, LinksAreReadAsTheyAreWritten) {
  const SetLink all{1,
                    3,
                    {.cut = true,
                     .loss = 0.3,
                     .duplicate = 0.25,
                     .reorder = 0.5,
                     .delay = milliseconds(5),
                     .jitter = milliseconds(2),
                     .tail = 0.125,
                     .tail_delay = std::chrono::seconds(60),
                     .bytes_per_second = 1'000'000}};
  for (const SetLink& link : {all, SetLink{0, 2, {.cut = true}}, SetLink{}}) {
    const auto again = Read<SetLink>(LinkWord(link));
    EXPECT_EQ(again.from, link.from);
    EXPECT_EQ(again.to, link.to);
    EXPECT_EQ(again.faults, link.faults) << LinkWord(link);
  }
  EXPECT_EQ(LinkWord({0, 2, {}}), "link * 2");
  EXPECT_EQ(Read<SetLink>("link 1 2 delay=200us").faults.delay,
            std::chrono::microseconds(200));
}

TEST(SwitchWordsTest, WhatMakesNoSenseIsSaid) {
  EXPECT_EQ(ErrorOf("plug 1"),
            "'plug' is none of attach, detach, link, counts");
  EXPECT_EQ(ErrorOf("detach 9"), "'9' is no port; they are 1 to 8");
  EXPECT_EQ(ErrorOf("detach 0"), "'0' is no port; they are 1 to 8");
  EXPECT_EQ(ErrorOf("detach"), "'' is no port; they are 1 to 8");
  EXPECT_EQ(ErrorOf("detach 1 2"), "'2' is too much");
  EXPECT_EQ(ErrorOf("attach 1 ns 10.0.0.1/8"),
            "a namespace is named by an absolute path");
  EXPECT_EQ(ErrorOf("attach 1 /ns"), "it needs an address");
  EXPECT_EQ(ErrorOf("attach 1 /ns 10.0.0.1"),
            "'10.0.0.1' is no address like 10.77.0.3/24");
  for (const char* const fault :
       {"loss=2", "loss=-1", "loss=nan", "loss=", "cut=1", "delay=5",
        "delay=-5ms", "delay=5h", "delay=3601s", "delay=9223372036854775807s",
        "rate=x", "rate=99999999999999", "speed=1", "="}) {
    EXPECT_NE(ErrorOf(std::string("link 1 2 ") + fault).find("is no fault"),
              std::string::npos)
        << fault;
  }
  ErrorOf("link 1 x");
  ErrorOf("link 1");
  ErrorOf("");
}

TEST(SwitchWordsTest, AnyBytesAreBorne) {
  std::mt19937 chance(5);
  const std::string letters = "link* 12=.,/:\n\tattachcuts0ms-";
  for (int i = 0; i < 20'000; ++i) {
    std::string line = i % 2 == 0 ? "link 1 2 " : "";
    for (unsigned n = chance() % 40; n > 0; --n) {
      line += letters[chance() % letters.size()];
    }
    std::string error;
    const bool makes_sense = ParseSwitchWord(line, 8, &error).has_value();
    EXPECT_EQ(makes_sense, error.empty()) << line;
  }
}

}  // namespace
}  // namespace mobula::test
