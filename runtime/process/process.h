// Process is the runtime of one process, driver or worker: its strand, its
// links, its core, and the threads that use them.
//
//   created --Start--> registered --Shutdown | raylet lost--> ended (final)
// A call goes: Post (any thread) -> inbox -> strand -> core -> link; an answer:
// link -> strand -> core -> ObjectWaits -> the thread in Await. Two changes of
// thread in all; a thread blocked in Await may one day drain the strand itself
// and save the second (Drain is that seam).
// Owner: the API's current runtime in a driver, WorkerMain in a worker.
// Threading: Backend's methods from any thread but the strand; Start, Serve and
// the destructor from the owner's. In a forked child it is inert.
// Invariants: (1) events of one thread reach the core in their order; (2) after
// Shutdown every Await ends; (3) a worker does not outlive its raylet.
// Failure: Start says what went wrong and leaves nothing behind.
#ifndef MOBULA_RUNTIME_PROCESS_PROCESS_H_
#define MOBULA_RUNTIME_PROCESS_PROCESS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/function_table.h"
#include "base/ids.h"
#include "base/shm/worker_page.h"
#include "base/threads/outcome_watch.h"
#include "base/unique_fd.h"
#include "base/value.h"
#include "runtime/core/events.h"
#include "runtime/process/backend.h"
#include "runtime/process/embedded_head.h"
#include "runtime/process/start_error.h"
#include "runtime/refs/lineage.h"

namespace mobula::runtime {

class Process final : public Backend {
 public:
  struct Options {
    base::Register whoami;
    base::UniqueFd raylet_socket;
    std::size_t lineage_bytes = Lineage::kBytesMax;
    base::ProcessId raylet;  // nil where its Hello is to tell
    // Driver: the head that it started, if it did, else its executable and how
    // errors name the raylet that it joined; and who gets the output.
    std::unique_ptr<EmbeddedHead> head;
    base::UniqueFd program;
    std::string raylet_name = "the raylet";
    std::function<void(const base::WorkerOutput&)> on_output;
    // Worker: what it can run, and where it says what it runs.
    const base::FunctionTable* functions = nullptr;
    base::WorkerPage* page = nullptr;
  };

  explicit Process(Options options);
  ~Process() override;  // Shutdown first
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Registers with the raylet. After an error only destruction is left.
  std::optional<StartError> Start(base::BootTime deadline);
  // Worker: runs what it is asked to on the calling thread, until Exit.
  void Serve();

  void Post(Event event) override;
  std::optional<Settled> Await(base::ObjectId object,
                               base::BootTime deadline) override;
  std::vector<bool> AwaitSome(std::span<const base::ObjectId> objects,
                              std::size_t count,
                              base::BootTime deadline) override;
  std::optional<base::CancelVerdict> Cancel(const base::ObjectName& object,
                                            bool force, bool recursive,
                                            base::BootTime deadline) override;
  bool StartWatch(base::ObjectId object, base::OutcomeWatch* watch,
                  bool join) override;
  base::OutcomeWatch::State StopWatch(base::ObjectId object,
                                      base::OutcomeWatch* watch) override;
  void Blocked(bool is_blocked) override;
  base::ControlReply Ask(base::ControlRequest request,
                         base::Duration timeout) override;
  bool HasStore() const override;
  std::variant<Room, base::Failure> Allocate(std::uint64_t byte_count,
                                             base::BootTime deadline) override;
  void Discard(const base::Extent& extent) override;
  void Seal(const base::Extent& extent) override;
  std::variant<base::Bytes, base::Failure> Map(
      const base::Value& stored, base::BootTime deadline) override;
  std::variant<base::Value, base::Failure> Fetch(
      const base::Value& stored, base::BootTime deadline) override;
  ActorView ViewActor(base::ActorId actor) override;
  base::ProcessId self() const override;
  Node node() const override;
  Home home() const override;
  base::BootTime Now() const override;
  // A driver's; a worker is ended by its raylet.
  void Shutdown() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_PROCESS_H_
