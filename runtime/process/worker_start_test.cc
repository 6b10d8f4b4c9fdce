#include "runtime/process/worker_start.h"

#include <gtest/gtest.h>

#include <string>

namespace mobula::runtime {
namespace {

const base::ProcessId kProcess{1, 2};
const base::ProcessId kRaylet{3, 4};
const base::JobId kJob{5, 6};

std::string Text() {
  return "1:" + kProcess.ToString() + ":" + kRaylet.ToString() + ":" +
         kJob.ToString();
}

TEST(WorkerStart, ReadsWhatTheRayletWrote) {
  std::string why;
  const auto start = ParseWorkerStart(Text(), &why);
  ASSERT_TRUE(start.has_value()) << why;
  EXPECT_EQ(start->version, kWorkerStartVersion);
  EXPECT_EQ(start->process, kProcess);
  EXPECT_EQ(start->raylet, kRaylet);
  EXPECT_EQ(start->job, kJob);
}

TEST(WorkerStart, AnotherVersionIsReadNoFurther) {
  std::string why;
  const auto start = ParseWorkerStart("7:whatever", &why);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->version, 7u);
  EXPECT_TRUE(start->process.IsNil());
}

TEST(WorkerStart, RefusesWhatMakesNoSense) {
  const std::string nil(32, '0');
  for (const std::string& text :
       {std::string(), std::string("0"), std::string("x"), std::string("1"),
        std::string("1:"), "1x" + Text().substr(1), Text() + ":more",
        Text().substr(0, Text().size() - 1), "1:" + nil + ":" + nil + ":" + nil,
        "-" + Text()}) {
    std::string why;
    const auto start = ParseWorkerStart(text, &why);
    EXPECT_FALSE(start.has_value()) << text;
    EXPECT_FALSE(why.empty()) << text;
  }
}

}  // namespace
}  // namespace mobula::runtime
