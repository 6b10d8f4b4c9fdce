#include "api/compat/ray/start/ray_flags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/compat/ray/api/ray_config.h"
#include "api/compat/ray/api/ray_exception.h"

namespace ray::internal {
namespace {

RayConfig Parse(std::vector<std::string> words, const RayConfig& config = {}) {
  words.insert(words.begin(), "program");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return WithFlags(config, static_cast<int>(argv.size()), argv.data());
}

TEST(RayFlagsTest, WinOverTheConfig) {
  RayConfig config;
  config.address = "here";
  config.ray_namespace = "mine";
  config.head_args = {"--num-cpus", "1"};
  const RayConfig merged = Parse(
      {"--ray_address", "127.0.0.1:1", "file", "--ray_head_args=--block  -x",
       "-ray_default_actor_lifetime=DETACHED", "--ray_runtime_env={\"a\":1}",
       "--ray_job_id=7", "--verbose", "--ray_code_search_path", "a.so:b"},
      config);
  EXPECT_EQ(merged.address, "127.0.0.1:1");
  EXPECT_EQ(merged.ray_namespace, "mine");
  EXPECT_EQ(merged.head_args,
            (std::vector<std::string>{"--num-cpus", "1", "--block", "-x"}));
  EXPECT_EQ(merged.default_actor_lifetime, ActorLifetime::DETACHED);
  EXPECT_EQ(merged.runtime_env->Get<int>("a"), 1);
}

TEST(RayFlagsTest, EndAtTwoDashes) {
  const RayConfig config = Parse({"--", "--ray_job_namespace=late"});
  EXPECT_EQ(config.ray_namespace, "");
  EXPECT_EQ(Parse({"ray_job_namespace=word"}).ray_namespace, "");
}

TEST(RayFlagsTest, ThatAreUnknownOrWrongAreRefused) {
  EXPECT_THROW(Parse({"--ray_colour=blue"}), RayException);
  EXPECT_THROW(Parse({"--ray_address"}), RayException);
  EXPECT_THROW(Parse({"--ray_default_actor_lifetime=long"}), RayException);
  EXPECT_THROW(Parse({"--ray_runtime_env={"}), RayRuntimeEnvException);
}

}  // namespace
}  // namespace ray::internal
