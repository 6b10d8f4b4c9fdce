#include "api/compat/ray/start/ray_flags.h"

#include <cctype>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "api/compat/ray/api/ray_exception.h"

namespace ray::internal {
namespace {

constexpr std::string_view kKnown =
    "ray_address, ray_job_namespace, ray_head_args, "
    "ray_default_actor_lifetime, ray_runtime_env, ray_code_search_path, "
    "ray_redis_username, ray_redis_password, ray_job_id, ray_node_ip_address, "
    "ray_logs_dir, ray_session_dir";

const std::set<std::string_view>& Meaningless() {
  static const auto& names = *new std::set<std::string_view>{
      "ray_code_search_path", "ray_redis_username",  "ray_redis_password",
      "ray_job_id",           "ray_node_ip_address", "ray_logs_dir",
      "ray_session_dir"};
  return names;
}

ActorLifetime ParseLifetime(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (text == "detached") return ActorLifetime::DETACHED;
  if (text == "non_detached") return ActorLifetime::NON_DETACHED;
  throw RayException(
      "--ray_default_actor_lifetime is detached or non_detached, not \"" +
      text + "\".");
}

void Apply(const std::string& name, const std::string& value,
           RayConfig* config) {
  if (name == "ray_address") {
    config->address = value;
  } else if (name == "ray_job_namespace") {
    config->ray_namespace = value;
  } else if (name == "ray_head_args") {
    std::istringstream words(value);
    for (std::string word; words >> word;) config->head_args.push_back(word);
  } else if (name == "ray_default_actor_lifetime") {
    config->default_actor_lifetime = ParseLifetime(value);
  } else if (name == "ray_runtime_env") {
    config->runtime_env = RuntimeEnv::Deserialize(value);
  } else if (!Meaningless().contains(name)) {
    throw RayException("Unknown flag --" + name + "; there are " +
                       std::string(kKnown) + ".");
  }
}

}  // namespace

RayConfig WithFlags(const RayConfig& config, int argc, char** argv) {
  RayConfig merged = config;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--") break;
    for (int dashes = 0; dashes < 2 && word.starts_with('-'); ++dashes) {
      word.remove_prefix(1);
    }
    if (word.data() == argv[i] || !word.starts_with("ray_")) continue;
    const std::size_t equals = word.find('=');
    const std::string name(word.substr(0, equals));
    if (equals != word.npos) {
      Apply(name, std::string(word.substr(equals + 1)), &merged);
    } else if (i + 1 < argc) {
      Apply(name, argv[++i], &merged);
    } else {
      throw RayException("The flag --" + name + " has no value.");
    }
  }
  return merged;
}

}  // namespace ray::internal
