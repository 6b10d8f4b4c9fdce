#include "api/compat/ray/start/job.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "api/compat/ray/api/ray_exception.h"
#include "api/compat/ray/internal/await.h"
#include "api/compat/ray/start/head_args.h"
#include "api/compat/ray/values/held_actor.h"
#include "api/mobula/context.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "api/mobula/init.h"
#include "api/mobula/kv.h"
#include "base/mutex.h"

namespace ray::internal {
namespace {

// A node may offer no CPU at all in Ray: tasks ask for none.
constexpr double kCpusMin = 0.001;

// Each actor is a process, and each task that waits for another holds one; Ray
// has no number beyond which it starts no more.
constexpr int kWorkersMax = 10'000;

struct Job {
  std::optional<mobula::Runtime> runtime;
  bool ends_at_exit = false;
  mobula::base::Mutex mutex;
  // By job: of a worker, what its driver said.
  std::map<mobula::base::JobId, bool> detached MOBULA_GUARDED_BY(mutex);
};

Job& TheJob() {
  static Job& job = *new Job;  // used at exit too
  return job;
}

std::string EnvironmentOr(const char* name, std::string otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : std::move(otherwise);
}

std::string AddressFor(const RayConfig& config) {
  if (!config.address.empty()) return config.address;
  return EnvironmentOr("RAY_ADDRESS",
                       EnvironmentOr("MOBULA_ADDRESS", "embedded"));
}

// What a head of this program's own is to offer.
void AddOffer(const RayConfig& config, mobula::InitOptions* options) {
  const HeadOffer offer = ParseHeadArgs(config.head_args);
  for (const std::string& argument : offer.ignored) {
    std::cerr << "ray::Init: the head argument \"" << argument
              << "\" means nothing to Mobula and is ignored\n";
  }
  options->WorkersMax(kWorkersMax);
  if (offer.cpus) options->Cpus(std::max(*offer.cpus, kCpusMin));
  if (offer.memory_bytes) options->Memory(*offer.memory_bytes);
  if (offer.object_store_bytes) {
    options->ObjectStoreMemory(*offer.object_store_bytes);
  }
  for (const auto& [name, quantity] : offer.resources) {
    if (quantity > 0) options->Resource(name, quantity);
  }
}

mobula::InitOptions OptionsFor(const RayConfig& config) {
  mobula::InitOptions options;
  options.Namespace(config.ray_namespace.empty() ? RandomName()
                                                 : config.ray_namespace);
  if (config.local_mode) return options.Local();
  const std::string address = AddressFor(config);
  options.Address(address);
  if (address == "embedded") AddOffer(config, &options);
  return options;
}

mobula::Runtime StartRuntime(const mobula::InitOptions& options, int argc,
                             char** argv) {
  if (argv == nullptr) return mobula::Init(options);
  const int& kept = argc;  // it stays as it is
  return mobula::Init(kept, argv, options);
}

std::string LifetimeKey() {
  return "ray/detached/" + mobula::CurrentJob().ToString();
}

void Remember(bool is_detached) {
  const mobula::base::JobId job = mobula::CurrentJob();
  mobula::base::MutexLock lock(TheJob().mutex);
  TheJob().detached[job] = is_detached;
}

std::optional<bool> Remembered() {
  const mobula::base::JobId job = mobula::CurrentJob();
  mobula::base::MutexLock lock(TheJob().mutex);
  const auto it = TheJob().detached.find(job);
  if (it == TheJob().detached.end()) return std::nullopt;
  return it->second;
}

}  // namespace

void StartJob(const RayConfig& config, int argc, char** argv) {
  Job& job = TheJob();
  if (IsJobRunning()) return;
  if (config.runtime_env) {
    RefuseRuntimeEnv(*config.runtime_env, "RayConfig");
  }
  try {
    job.runtime.emplace(StartRuntime(OptionsFor(config), argc, argv));
    const bool is_detached =
        config.default_actor_lifetime == ActorLifetime::DETACHED;
    if (is_detached) mobula::KvPut(LifetimeKey(), true);
    Remember(is_detached);
  } catch (const mobula::Error& error) {
    job.runtime.reset();
    throw RayException(std::string("ray::Init failed: ") + error.what());
  }
  // Before what the runtime's own statics are destroyed.
  if (!std::exchange(job.ends_at_exit, true)) std::atexit(&EndJob);
}

void EndJob() {
  Job& job = TheJob();
  if (!job.runtime.has_value()) return;
  try {
    if (Remembered().value_or(false)) mobula::KvDelete(LifetimeKey());
  } catch (const mobula::Error&) {
    // The control store is away: the key stays, and nobody asks for it.
  }
  LetAllActorsGo();
  job.runtime.reset();
}

bool IsJobRunning() { return mobula::detail::Session::Current() != nullptr; }

std::string JobNamespace() {
  try {
    return mobula::CurrentNamespace();
  } catch (const mobula::Error& error) {
    ThrowAsRay(error);
  }
}

bool IsDetachedByDefault() {
  if (const std::optional<bool> known = Remembered()) return *known;
  const bool is_detached = mobula::KvGet<bool>(LifetimeKey()).has_value();
  Remember(is_detached);
  return is_detached;
}

std::string RandomName() {
  std::random_device chance;
  mobula::base::JobId id;  // any id: its digits are wanted
  for (std::uint64_t* half : {&id.hi, &id.lo}) {
    *half = std::uint64_t{chance()} << 32 | chance();
  }
  return id.ToString();
}

}  // namespace ray::internal
