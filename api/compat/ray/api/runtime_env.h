// RuntimeEnv is the environment that a job, task or actor asks for: fields of
// JSON, as in Ray.
//
//   ray::RuntimeEnv env;
//   env.Set("env_vars", std::map<std::string, std::string>{{"KEY", "value"}});
//
// A RuntimeEnv can be made, read and serialised; but in this version no worker
// can be given one: Init, and Remote of a caller to which one was given, throw
// a RayRuntimeEnvException if it is not empty. Set and Get take whatever
// nlohmann::json takes, users' to_json and from_json too.
// Failure: RayRuntimeEnvException, for a field that there is not, of another
// type, or no JSON. Threading: a value.
#ifndef MOBULA_API_COMPAT_RAY_API_RUNTIME_ENV_H_
#define MOBULA_API_COMPAT_RAY_API_RUNTIME_ENV_H_

#include <exception>
#include <nlohmann/json.hpp>
#include <string>

#include "api/compat/ray/api/ray_exception.h"

namespace ray {

class RuntimeEnv {
 public:
  template <typename T>
  void Set(const std::string& name, const T& value) {
    try {
      fields_[name] = nlohmann::json(value);
    } catch (const std::exception& e) {
      Fail("Failed to set the field " + name + ": " + e.what());
    }
  }

  template <typename T>
  T Get(const std::string& name) const {
    if (!Contains(name)) Fail("The field " + name + " not found.");
    try {
      return fields_.at(name).get<T>();
    } catch (const std::exception& e) {
      Fail("Failed to get the field " + name + ": " + e.what());
    }
  }

  void SetJsonStr(const std::string& name, const std::string& json_str);
  [[nodiscard]] std::string GetJsonStr(const std::string& name) const;
  [[nodiscard]] bool Contains(const std::string& name) const;
  // Whether there was one.
  bool Remove(const std::string& name);
  [[nodiscard]] bool Empty() const;

  // As one JSON object.
  [[nodiscard]] std::string Serialize() const;
  // {"serialized_runtime_env": "<the same>"}
  [[nodiscard]] std::string SerializeToRuntimeEnvInfo() const;
  static RuntimeEnv Deserialize(const std::string& serialized_runtime_env);

 private:
  [[noreturn]] static void Fail(const std::string& message);

  nlohmann::json fields_ = nlohmann::json::object();
};

namespace internal {

// Throws unless it is empty; `where` says what asked for it.
void RefuseRuntimeEnv(const RuntimeEnv& env, const std::string& where);

}  // namespace internal
}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_RUNTIME_ENV_H_
