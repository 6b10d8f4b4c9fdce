#include "api/compat/ray/start/head_args.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/compat/ray/api/ray_exception.h"

namespace ray::internal {
namespace {

using Words = std::vector<std::string>;

TEST(HeadArgsTest, SayWhatTheNodeOffers) {
  const HeadOffer offer =
      ParseHeadArgs({"--num-cpus", "2.5", "--num-gpus=4", "--resources",
                     R"({"disk": 1, "licence": 0.5})", "--memory", "1000000",
                     "--object-store-memory=2000000"});
  EXPECT_EQ(offer.cpus, 2.5);
  EXPECT_EQ(offer.memory_bytes, 1'000'000);
  EXPECT_EQ(offer.object_store_bytes, 2'000'000);
  EXPECT_EQ(offer.resources, (std::map<std::string, double>{
                                 {"GPU", 4}, {"disk", 1}, {"licence", 0.5}}));
  EXPECT_TRUE(offer.ignored.empty());
}

TEST(HeadArgsTest, AreIgnoredWhereTheyMeanNothing) {
  const HeadOffer offer =
      ParseHeadArgs({"--include-dashboard", "false", "--block", "--num-cpus",
                     "0", "--port=6379", "stray"});
  EXPECT_EQ(offer.cpus, 0);
  EXPECT_EQ(offer.ignored, (Words{"--include-dashboard false", "--block",
                                  "--port=6379", "stray"}));
  EXPECT_FALSE(ParseHeadArgs({}).cpus.has_value());
}

TEST(HeadArgsTest, RefuseWhatIsNoNumber) {
  for (const Words& words : std::vector<Words>{{"--num-cpus"},
                                               {"--num-cpus", "two"},
                                               {"--num-cpus", "2x"},
                                               {"--num-cpus", "-1"},
                                               {"--num-gpus=nan"},
                                               {"--memory", "1.5"},
                                               {"--resources", "disk=1"},
                                               {"--resources", "{\"a\":\"b\"}"},
                                               {"--resources", ""}}) {
    EXPECT_THROW(ParseHeadArgs(words), RayException) << words.back();
  }
}

}  // namespace
}  // namespace ray::internal
