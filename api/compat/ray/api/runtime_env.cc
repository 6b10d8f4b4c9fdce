#include "api/compat/ray/api/runtime_env.h"

#include <utility>

namespace ray {

void RuntimeEnv::Fail(const std::string& message) {
  throw internal::RayRuntimeEnvException(message);
}

void RuntimeEnv::SetJsonStr(const std::string& name,
                            const std::string& json_str) {
  try {
    fields_[name] = nlohmann::json::parse(json_str);
  } catch (const std::exception& e) {
    Fail("Failed to set the field " + name + " by json string: " + e.what());
  }
}

std::string RuntimeEnv::GetJsonStr(const std::string& name) const {
  if (!Contains(name)) Fail("The field " + name + " not found.");
  return fields_.at(name).dump();
}

bool RuntimeEnv::Contains(const std::string& name) const {
  return fields_.contains(name);
}

bool RuntimeEnv::Remove(const std::string& name) {
  return fields_.erase(name) > 0;
}

bool RuntimeEnv::Empty() const { return fields_.empty(); }

std::string RuntimeEnv::Serialize() const { return fields_.dump(); }

std::string RuntimeEnv::SerializeToRuntimeEnvInfo() const {
  nlohmann::json info;
  info["serialized_runtime_env"] = Serialize();
  return info.dump();
}

RuntimeEnv RuntimeEnv::Deserialize(const std::string& serialized_runtime_env) {
  RuntimeEnv env;
  try {
    nlohmann::json fields = nlohmann::json::parse(serialized_runtime_env);
    if (!fields.is_object()) Fail("A runtime env is one JSON object.");
    env.fields_ = std::move(fields);
  } catch (const nlohmann::json::exception& e) {
    Fail(std::string("Failed to deserialize the runtime env: ") + e.what());
  }
  return env;
}

namespace internal {

void RefuseRuntimeEnv(const RuntimeEnv& env, const std::string& where) {
  if (env.Empty()) return;
  throw RayRuntimeEnvException(
      where + " has a RuntimeEnv, " + env.Serialize() +
      ": this version of Mobula cannot give a worker an environment of its "
      "own. Workers run the program's own executable and inherit what the node "
      "was started with: set environment variables there, or pass values as "
      "arguments, and leave the RuntimeEnv empty.");
}

}  // namespace internal
}  // namespace ray
