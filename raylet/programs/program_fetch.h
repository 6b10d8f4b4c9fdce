// ProgramFetch brings executables that this node lacks from other nodes into
// its ProgramStore, by the hash of their content.
//
//   wanted --WantProgram--> asked --ProgramPart...--> whole --hash--> kept
//   any --ProgramLacking | patience | CloseNode | fault--> over, and why
// Who wants one that is on its way waits for the same; where that fails, and it
// named another node, that node is asked next. So many come at once, the others
// wait for their turn.
// Owner: Server.   Threading: everything on the strand given; callbacks run
// there. `done` is never called before Fetch has returned.
// Invariants: (1) what is kept has the hash that was asked for; (2) what did
// not arrive as a whole leaves nothing; (3) each Fetch is answered once.
// Failure: a sentence that says which program, from which node, and why.
#ifndef MOBULA_RAYLET_PROGRAMS_PROGRAM_FETCH_H_
#define MOBULA_RAYLET_PROGRAMS_PROGRAM_FETCH_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "raylet/spawn/program_store.h"

namespace mobula::raylet {

class ProgramFetch {
 public:
  using TellFn = std::function<void(base::NodeId node, base::NodeMessage)>;
  // "": the store has it.
  using DoneFn = std::function<void(std::string reason)>;

  struct Limits {
    std::uint64_t program_bytes_max = std::uint64_t{4} << 30;
    std::size_t at_once_max = 8;
    std::size_t waiting_max = 4096;  // who wants one
    // So long without a part of it.
    base::Duration patience = std::chrono::seconds(60);
  };

  ProgramFetch(base::Strand& strand, ProgramStore& store, TellFn tell)
      : ProgramFetch(strand, store, std::move(tell), Limits()) {}
  ProgramFetch(base::Strand& strand, ProgramStore& store, TellFn tell,
               Limits limits);
  ~ProgramFetch();  // calls nobody
  ProgramFetch(const ProgramFetch&) = delete;
  ProgramFetch& operator=(const ProgramFetch&) = delete;

  void Fetch(base::NodeId from, const std::string& hash, DoneFn done);
  // False if it is neither ProgramPart nor ProgramLacking.
  bool Take(base::NodeId from, const base::NodeMessage& message);
  // The node is lost, or the line to it was given up.
  void CloseNode(base::NodeId node);

 private:
  struct Waiter {
    base::NodeId from;
    DoneFn done;
  };
  struct Coming {
    base::NodeId from;
    std::vector<Waiter> waiters;
    bool is_asked = false;
    base::BootTime heard_at;
    base::Strand::TimerId timer = 0;
    std::uint64_t byte_count = 0;
    std::unique_ptr<ProgramStore::Arrival> arrival;  // from its first part on
    int beginnings = 0;
  };
  using Fetches = std::map<std::string, Coming>;  // by hash

  void Refuse(DoneFn done, std::string reason) MOBULA_REQUIRES(strand_);
  void AskMore() MOBULA_REQUIRES(strand_);
  void Ask(const std::string& hash, Coming& coming) MOBULA_REQUIRES(strand_);
  void SetTimer(const std::string& hash, Coming& coming)
      MOBULA_REQUIRES(strand_);
  // What is asked of that node; null if it is not.
  Coming* Find(base::NodeId from, const std::string& hash)
      MOBULA_REQUIRES(strand_);
  void TakePart(base::NodeId from, const base::ProgramPart& part)
      MOBULA_REQUIRES(strand_);
  // "", or why it is over.
  std::string Add(const base::ProgramPart& part, Coming& coming)
      MOBULA_REQUIRES(strand_);
  void End(const std::string& hash, const std::string& reason)
      MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  ProgramStore& store_;
  const TellFn tell_;
  const Limits limits_;
  Fetches fetches_ MOBULA_GUARDED_BY(strand_);
  std::size_t asked_count_ MOBULA_GUARDED_BY(strand_) = 0;
  std::size_t waiting_count_ MOBULA_GUARDED_BY(strand_) = 0;
  // Posted answers hold it weakly.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_PROGRAMS_PROGRAM_FETCH_H_
