// HeadOffer is what the arguments of Ray's `ray start --head` say that the node
// offers, as RayConfig::head_args has them. Not for users.
//
//   HeadOffer offer = ParseHeadArgs({"--num-cpus", "2"});    // cpus == 2
//
// Threading: pure.
// Failure: RayException for a value that is none: "--num-cpus many".
#ifndef MOBULA_API_COMPAT_RAY_START_HEAD_ARGS_H_
#define MOBULA_API_COMPAT_RAY_START_HEAD_ARGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ray::internal {

struct HeadOffer {
  std::optional<double> cpus;
  std::optional<std::int64_t> memory_bytes;
  std::optional<std::int64_t> object_store_bytes;
  std::map<std::string, double> resources;  // "GPU" of --num-gpus
  std::vector<std::string> ignored;         // arguments that mean nothing here
};

// Values stand behind their flag or behind a "=".
HeadOffer ParseHeadArgs(const std::vector<std::string>& args);

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_START_HEAD_ARGS_H_
