// RayTest runs each of its tests twice: in local mode and on workers.
// Owner: tests.
#ifndef MOBULA_API_COMPAT_RAY_FIXTURE_H_
#define MOBULA_API_COMPAT_RAY_FIXTURE_H_

#include <gtest/gtest.h>
#include <ray/api.h>

#include <string>

namespace ray_tests {

// The text of what `call` throws; "" where it throws nothing of type E.
template <class E, class Call>
std::string TextOf(const Call& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

inline bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class RayTest : public testing::TestWithParam<bool> {
 protected:
  RayTest() {
    ray::RayConfig config;
    config.local_mode = is_local();
    config.head_args = {"--num-cpus", "2",           "--num-gpus",
                        "1",          "--resources", "{\"disk\": 4}"};
    ray::Init(config);
  }
  ~RayTest() override { ray::Shutdown(); }

  [[nodiscard]] static bool is_local() { return GetParam(); }
};

inline std::string ModeName(const testing::TestParamInfo<bool>& info) {
  return info.param ? "Local" : "Workers";
}

}  // namespace ray_tests

#endif  // MOBULA_API_COMPAT_RAY_FIXTURE_H_
