#include "api/compat/ray/api/remote_functions.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "api/compat/ray/api/ray_exception.h"
#include "api/mobula/detail/function_key.h"
#include "base/check.h"
#include "base/failure.h"
#include "base/function_table.h"
#include "base/mutex.h"
#include "runtime/executor/current.h"

namespace ray::internal {
namespace {

struct HashOfKey {
  std::size_t operator()(const FunctionKey& key) const {
    const std::string_view bytes(key.bytes.data(), key.bytes.size());
    return key.type.hash_code() ^ std::hash<std::string_view>()(bytes);
  }
};

struct Registered {
  RemoteEntry remote;
  FunctionKey key;
  std::string place;
};

// Of all functions: it finds the one by its name, because a pointer to a
// function has no code that belongs to it alone.
mobula::base::Outcome Invoke(mobula::base::Invocation& invocation) {
  const auto* const current = mobula::runtime::Current();
  MOBULA_CHECK(current != nullptr, "an invoker runs where something runs");
  const RemoteEntry* const remote =
      RemoteFunctions::Instance().Find(current->function);
  MOBULA_CHECK(remote != nullptr, "who has this invoker is registered");
  return Run(*remote, invocation);
}

[[noreturn]] void RefuseDuplicate(const std::string& name,
                                  const std::string& other) {
  throw RayException(
      "Duplicate RAY_REMOTE function: " + name +
      (other == name ? "" : " is registered already, as " + other));
}

}  // namespace

struct RemoteFunctions::State {
  mobula::base::Mutex mutex;
  // The names are the entries' own.
  std::unordered_map<std::string_view, Registered*> by_name
      MOBULA_GUARDED_BY(mutex);
  std::unordered_map<FunctionKey, Registered*, HashOfKey> by_key
      MOBULA_GUARDED_BY(mutex);
};

RemoteFunctions::RemoteFunctions() : state_(new State) {}

RemoteFunctions& RemoteFunctions::Instance() {
  static RemoteFunctions& instance = *new RemoteFunctions;
  return instance;
}

RemoteEntry* RemoteFunctions::Add(const std::string& name,
                                  std::string_view place,
                                  const FunctionKey& key) {
  mobula::base::MutexLock lock(state_->mutex);
  const auto named = state_->by_name.find(name);
  const auto keyed = state_->by_key.find(key);
  if (named != state_->by_name.end()) {
    const Registered& there = *named->second;
    if (there.key == key && there.place == place && !place.empty()) {
      return nullptr;
    }
    RefuseDuplicate(name, name);
  }
  if (keyed != state_->by_key.end()) {
    RefuseDuplicate(name, keyed->second->remote.entry.name);
  }
  // Never freed: exit may still look it up.
  auto* const added = new Registered{{}, key, std::string(place)};
  mobula::base::FunctionEntry& entry = added->remote.entry;
  // As MOBULA_REMOTE's, so that calls by name find it.
  entry.key = "name:" + name;
  entry.id = mobula::detail::HashKey(entry.key);
  entry.name = name;
  entry.named_function = name;
  entry.invoke = &Invoke;
  state_->by_name.emplace(entry.name, added);
  state_->by_key.emplace(key, added);
  return &added->remote;
}

void RemoteFunctions::Publish(RemoteEntry* remote) {
  mobula::base::FunctionTable::Get().Register(&remote->entry);
}

const RemoteEntry* RemoteFunctions::Find(std::string_view name) {
  mobula::base::MutexLock lock(state_->mutex);
  const auto it = state_->by_name.find(name);
  return it == state_->by_name.end() ? nullptr : &it->second->remote;
}

const RemoteEntry* RemoteFunctions::FindKey(const FunctionKey& key) {
  mobula::base::MutexLock lock(state_->mutex);
  const auto it = state_->by_key.find(key);
  return it == state_->by_key.end() ? nullptr : &it->second->remote;
}

std::string RemoteFunctions::GetClassNameByFuncName(
    const std::string& func_name) {
  constexpr std::string_view kPrefix = "RAY_FUNC(";
  const std::size_t prefix = func_name.find(kPrefix);
  const std::size_t begin =
      prefix == std::string::npos ? 0 : prefix + kPrefix.size();
  const std::size_t end = func_name.rfind("::");
  if (end == std::string::npos || end <= begin) return "";
  return func_name.substr(begin, end - begin);
}

}  // namespace ray::internal
