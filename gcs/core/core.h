// Core is what the cluster knows, as a pure machine: nodes, jobs, actors,
// names, keys and objects.
//
//   Core core(options);
//   for (each record of the log) core.Restore(key, value, &error);
//   core.Start(now, effects);                 // then events:
//   core.Step(event, now, effects);
//
// It carries effects between its machines: NodeTable (who belongs to the
// cluster), JobTable, ActorTable (which actors there are, where, what becomes
// of the detached), KeyTable, PublishedTable (values with a name), ObjectTable
// (what lies where, which is not written), AnswerTable (what mutations were
// answered), TokenTable (by what machines join), and publishes nodes and named
// actors (base/session/cursor.h). Owner: gcs::Server, or the simulator.
// Threading: none; never blocks. Invariants: (1) everything acknowledged is in
// Writes of the same step or an earlier one; (2) a dead node id, a dead actor,
// an earlier incarnation never returns; (3) names of living actors are unique
// in their namespace; (4) nobody is declared dead before start + lease, nor for
// a pause of this process's own; (5) duplicates of a request are answered
// alike. While the disk is full, RegisterActor, PutKey and PublishValue are
// refused (kDiskFull); what is small and ends or frees something, or tells what
// has happened already, is written into the reserve that the log keeps: joins,
// deaths, jobs, reports, restarts, EndActor, EndJobNow, ReportNodeDead,
// DeleteKey, UnpublishValue, and their answers. A restart that the death of its
// node causes counts against no restarts_max. Failure: what makes no sense from
// outside is answered by a Failure or ignored, and changes nothing.
#ifndef MOBULA_GCS_CORE_CORE_H_
#define MOBULA_GCS_CORE_CORE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/boot_time.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

// The build with plants (bugs on purpose, for the simulator to find) has names
// of its own, so that one program can hold both.
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

class Core {
 public:
  struct Options {
    base::ClusterId cluster;
    std::uint64_t epoch = 1;  // grows with each start
    std::int32_t pid = 0;
    // Wall clock minus boot clock, for records' since_ms only.
    std::int64_t wall_offset_ms = 0;
    base::Duration lease = std::chrono::seconds(10);
    base::Duration lease_grace = std::chrono::seconds(1);
    std::size_t actors_max = 1'000'000;    // living
    std::size_t dead_actors_max = 10'000;  // remembered, oldest go first
    std::size_t dead_nodes_max = 1'000;
    std::size_t ended_jobs_max = 1'000;
    std::size_t keys_max = 1'000'000;
    std::size_t key_bytes_max = std::size_t{1} << 20;  // of one value
    std::size_t published_max = 100'000;               // values with a name
    std::size_t places_max = 1'000'000;   // of objects, in the directory
    std::size_t history_max = 10'000;     // changes kept for who resumes
    std::size_t answers_max = 100'000;    // remembered for repeated requests
    std::size_t joining_max = 1'100'000;  // jobs and actors that a node names
#ifdef MOBULA_PLANTS
    // Reports of earlier incarnations of actors count.
    bool plant_accept_stale_incarnation = false;
#endif
  };

  explicit Core(const Options& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Before Start, once for each record of the log. False, and why, if it does
  // not decode or contradicts another.
  [[nodiscard]] bool Restore(std::string_view key, std::string_view value,
                             std::string* error);
  void Start(base::BootTime now, Effects& effects);
  void Step(const Event& event, base::BootTime now, Effects& effects);
  // For GetStatus; the shell says it before the step that asks.
  void SetLogNumber(std::uint64_t number);

  struct Census {
    std::size_t nodes_alive = 0;
    std::size_t jobs_running = 0;
    std::size_t actors_living = 0;
    std::size_t actors_dead = 0;
    std::size_t keys = 0;
    std::size_t answers = 0;
    std::size_t published = 0;
    std::size_t objects = 0;
    std::size_t tokens = 0;
  };
  [[nodiscard]] Census Count() const;
  void CheckInvariants() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_CORE_H_
