#include "api/compat/ray/api/runtime_env.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/compat/ray/api/ray_exception.h"

namespace ray {
namespace {

using internal::RayRuntimeEnvException;

struct Pip {
  std::vector<std::string> packages;
  bool pip_check = false;
};
void to_json(nlohmann::json& to, const Pip& pip) {
  to = nlohmann::json{{"packages", pip.packages}, {"pip_check", pip.pip_check}};
}
void from_json(const nlohmann::json& from, Pip& pip) {
  from.at("packages").get_to(pip.packages);
  from.at("pip_check").get_to(pip.pip_check);
}

TEST(RuntimeEnvTest, HoldsFields) {
  RuntimeEnv env;
  EXPECT_TRUE(env.Empty());
  env.Set("working_dir", "https://example.org/a.zip");
  env.Set("env_vars", std::map<std::string, std::string>{{"A", "b"}});
  env.Set("pip", Pip{{"requests"}, true});
  env.SetJsonStr("eggs", R"({"count": 3})");
  EXPECT_FALSE(env.Empty());
  EXPECT_TRUE(env.Contains("pip"));
  EXPECT_EQ(env.Get<std::string>("working_dir"), "https://example.org/a.zip");
  EXPECT_EQ(env.Get<Pip>("pip").packages.at(0), "requests");
  EXPECT_EQ(env.GetJsonStr("eggs"), R"({"count":3})");
  const RuntimeEnv same = RuntimeEnv::Deserialize(env.Serialize());
  EXPECT_EQ(same.Serialize(), env.Serialize());
  EXPECT_TRUE(env.Remove("pip"));
  EXPECT_FALSE(env.Remove("pip"));
  const auto info = nlohmann::json::parse(env.SerializeToRuntimeEnvInfo());
  EXPECT_EQ(info.at("serialized_runtime_env"), env.Serialize());
}

TEST(RuntimeEnvTest, RefusesWhatIsWrong) {
  RuntimeEnv env;
  env.Set("a", 1);
  EXPECT_THROW(env.Get<std::string>("a"), RayRuntimeEnvException);
  EXPECT_THROW(env.Get<int>("b"), RayRuntimeEnvException);
  EXPECT_THROW((void)env.GetJsonStr("b"), RayRuntimeEnvException);
  EXPECT_THROW(env.SetJsonStr("c", "{"), RayRuntimeEnvException);
  EXPECT_THROW(RuntimeEnv::Deserialize("["), RayRuntimeEnvException);
  EXPECT_THROW(RuntimeEnv::Deserialize("[1]"), RayRuntimeEnvException);
  EXPECT_THROW(internal::RefuseRuntimeEnv(env, "it"), RayRuntimeEnvException);
  internal::RefuseRuntimeEnv(RuntimeEnv(), "it");
}

}  // namespace
}  // namespace ray
