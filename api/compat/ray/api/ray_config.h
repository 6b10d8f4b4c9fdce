// RayConfig is what a program asks of ray::Init.
//
//   ray::RayConfig config;
//   config.head_args = {"--num-cpus", "4"};
//   ray::Init(config);
//
// Threading: a value.
#ifndef MOBULA_API_COMPAT_RAY_API_RAY_CONFIG_H_
#define MOBULA_API_COMPAT_RAY_API_RAY_CONFIG_H_

#include <boost/optional.hpp>
#include <string>
#include <vector>

#include "api/compat/ray/api/runtime_env.h"

namespace ray {

enum class ActorLifetime {
  NON_DETACHED,
  DETACHED,
};

class RayConfig {
 public:
  // Of a cluster's control store, "127.0.0.1:6380" or "unix:/..."; "auto": of
  // the node that `mobula start` began on this machine; "": what RAY_ADDRESS or
  // else MOBULA_ADDRESS says, else a head of this program's own.
  std::string address;

  // All in this process and thread: for debuggers and tests.
  bool local_mode = false;

  // Not needed, and not looked at: the workers run this very executable.
  std::vector<std::string> code_search_path;

  // Of a head of this program's own. "--num-cpus N", "--num-gpus N",
  // "--memory BYTES", "--object-store-memory BYTES" and "--resources JSON" mean
  // what they do in Ray; others are ignored, with a line on standard error.
  std::vector<std::string> head_args;

  // DETACHED: actors outlive this program, on a node that outlives it.
  ActorLifetime default_actor_lifetime = ActorLifetime::NON_DETACHED;

  // Must be empty in this version (runtime_env.h).
  boost::optional<RuntimeEnv> runtime_env;

  // Not looked at: there is no Redis.
  boost::optional<std::string> redis_username_;
  boost::optional<std::string> redis_password_;

  // Not looked at.
  bool is_worker_ = false;

  // Of actors' names; "": one of this run's own.
  std::string ray_namespace;
};

}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_RAY_CONFIG_H_
