#include "gcs/core/fuzz_restore.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <utility>
#include <variant>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"
#include "gcs/core/fake_store.h"

namespace mobula::gcs {
namespace {

using Log = std::map<std::string, std::string>;

const base::ProcessId kPeer{1, 1}, kOtherPeer{1, 2};

// Takes `length` bytes, or what is left.
std::string Take(std::string_view& bytes, std::size_t length) {
  const std::string taken(bytes.substr(0, length));
  bytes.remove_prefix(taken.size());
  return taken;
}

std::size_t TakeByte(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto byte = static_cast<unsigned char>(bytes.front());
  bytes.remove_prefix(1);
  return byte;
}

Log ReadLog(std::string_view bytes) {
  Log log;
  while (!bytes.empty()) {
    std::string key = Take(bytes, TakeByte(bytes));
    const std::size_t low = TakeByte(bytes);
    const std::size_t length = low + 256 * TakeByte(bytes);
    log[std::move(key)] = Take(bytes, length);
  }
  return log;
}

std::string WriteLog(const Log& log) {
  std::string bytes;
  for (const auto& [key, value] : log) {
    MOBULA_CHECK(key.size() < 256 && value.size() < 65'536);
    bytes.push_back(static_cast<char>(key.size()));
    bytes += key;
    bytes.push_back(static_cast<char>(value.size() % 256));
    bytes.push_back(static_cast<char>(value.size() / 256));
    bytes += value;
  }
  return bytes;
}

bool RestoreAll(const Log& log, Core* core) {
  for (const auto& [key, value] : log) {
    std::string error;
    if (core->Restore(key, value, &error)) continue;
    MOBULA_CHECK(!error.empty(), "a refusal says why");
    return false;
  }
  return true;
}

void Keep(const Effects& effects, Log* log) {
  for (const Effect& effect : effects) {
    const auto* const write = std::get_if<Write>(&effect);
    if (write == nullptr) continue;
    if (write->value.has_value()) {
      (*log)[write->key] = *write->value;
    } else {
      log->erase(write->key);
    }
  }
}

base::ControlCall Ask(base::ControlRequest body) {
  base::ControlCall call;
  call.request = base::RequestId{1, 1};
  call.from = kPeer;
  call.body = std::move(body);
  return call;
}

// A node joins and dies, a key is put, everything is asked for.
std::vector<Event> SomeEvents() {
  base::JoinNode join;
  join.node.node = base::NodeId{2, 99};
  join.node.raylet = kPeer;
  join.node.total = base::ResourceVector::Cpus(64);
  base::ListActors actors;
  actors.with_dead = true;
  std::vector<Event> events;
  events.emplace_back(Received{kPeer, join});
  events.emplace_back(Received{kOtherPeer, base::FollowTable{"actors", {}}});
  events.emplace_back(Received{kOtherPeer, base::FollowTable{"nodes", {}}});
  const base::PutKey put{"ns", "key", base::Bytes::Own("value"), {}};
  for (base::ControlRequest body : std::vector<base::ControlRequest>{
           put, base::ListNodes(), base::ListJobs(), actors,
           base::GetStatus()}) {
    events.emplace_back(Received{kPeer, Ask(std::move(body))});
  }
  events.emplace_back(Received{kPeer, base::LeaveNode{join.node.node}});
  return events;
}

}  // namespace

bool RestoreAnything(std::string_view bytes) {
  Log log = ReadLog(bytes);
  Core::Options options;
  options.epoch = 2;
  auto now = base::BootTime::FromSinceBoot(std::chrono::hours(1));
  Effects effects;
  {
    Core core(options);
    if (!RestoreAll(log, &core)) return false;
    core.Start(now, effects);
    core.CheckInvariants();
    for (const Event& event : SomeEvents()) {
      now = now + std::chrono::seconds(1);
      core.Step(event, now, effects);
      core.CheckInvariants();
    }
    now = now + std::chrono::seconds(60);
    core.Step(Tick(), now, effects);
    core.CheckInvariants();
  }
  Keep(effects, &log);
  options.epoch = 3;
  Core again(options);
  MOBULA_CHECK(RestoreAll(log, &again), "what it wrote itself");
  effects.clear();
  again.Start(now, effects);
  again.CheckInvariants();
  for (const Effect& effect : effects) {
    MOBULA_CHECK(!std::holds_alternative<Write>(effect),
                 "the second start finds nothing to mend");
  }
  return true;
}

std::vector<std::string> RestoreSeeds() {
  std::vector<std::string> seeds;
  FakeStore store;
  seeds.push_back(WriteLog(store.log()));
  const base::NodeId node{2, 1};
  base::JobRecord job;
  job.job = base::JobId{3, 1};
  job.driver = base::ProcessId{1, 3};
  store.Join(kPeer, node, {job});
  store.Join(kOtherPeer, {2, 2});
  seeds.push_back(WriteLog(store.log()));
  base::RegisterActor named;
  named.actor.actor = base::ActorId{4, 1};
  named.actor.job = job.job;
  named.actor.owner = job.driver;
  named.actor.owner_node = node;
  named.actor.ns = "ns";
  named.actor.name = "name";
  store.Call(kPeer, named);
  seeds.push_back(WriteLog(store.log()));
  base::RegisterActor detached = named;
  detached.actor.actor = base::ActorId{4, 2};
  detached.actor.owner = base::ProcessId();
  detached.actor.name = "";
  detached.actor.detached = true;
  detached.actor.spec.emplace();
  detached.actor.spec->resources = base::ResourceVector::Cpus(1);
  detached.actor.spec->args.push_back(base::Bytes::Own("argument"));
  store.Call(kPeer, detached);
  store.Call(kPeer, base::PutKey{"ns", "key", base::Bytes::Own("1"), {}});
  seeds.push_back(WriteLog(store.log()));
  base::PublishValue publish;
  publish.value.ns = "ns";
  publish.value.name = "value";
  publish.value.value = base::Bytes::Own("1");
  publish.value.byte_count = 1;
  store.Call(kPeer, publish);
  publish.value.name = "kept";
  publish.value.value = base::Bytes();
  publish.value.object = base::ObjectId{5, 1};
  publish.value.node = base::NodeId{2, 2};
  store.Call(kOtherPeer, publish);
  seeds.push_back(WriteLog(store.log()));
  store.Say(kOtherPeer, base::LeaveNode{{2, 2}});
  store.Call(kPeer, base::EndActor{named.actor.actor});
  store.Call(kPeer, base::DeleteKey{"ns", "key", {}});
  store.Say(kPeer, base::JobOver{job.job, "done"});
  seeds.push_back(WriteLog(store.log()));
  return seeds;
}

}  // namespace mobula::gcs
