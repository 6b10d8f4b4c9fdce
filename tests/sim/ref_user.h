// RefUser is what user code of one process does with objects beside asking for
// tasks and calls: it puts values, nests refs in them, passes refs on, reads
// what it has a handle of, takes what it finds inside, and lets go.
//
//   refs.Meet(value);                     // of an argument or an outcome
//   refs.DoSomething(rank_max, then);     // one deed; then goes on
//   wish.mentioned = refs.DrawRefs(...);  // for an argument or a result
//   refs.LetAll();                        // a task ends
// A driver does deeds of its own accord too (Begin).
// Owner: RuntimeProcess.   Threading: none.
// Invariants: (1) it lets go what it took or put, nothing else; (2) an object
// is watched once at a time; (3) a function waits for nothing of its own rank
// or above, so none waits for itself.
#ifndef MOBULA_TESTS_SIM_REF_USER_H_
#define MOBULA_TESTS_SIM_REF_USER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/shm/room.h"
#include "base/value.h"
#include "tests/ownership/truth.h"
#include "tests/sim/ledger.h"
#include "tests/sim/rng.h"
#include "tests/sim/store_port.h"
#include "tests/sim/swarm_options.h"
#include "tests/sim/user_api.h"

namespace mobula::sim {

class RefUser {
 public:
  // Runs the work later, as a turn of the process.
  using AfterFn = std::function<void(base::Duration, std::function<void()>)>;
  using Then = std::function<void()>;

  static constexpr std::uint64_t kAnyRank =
      std::numeric_limits<std::uint64_t>::max();

  struct Parts {
    base::ProcessId self;
    UserApi& api;
    StorePort& store;
    Ledger& ledger;
    ownership::Truth& truth;
  };

  RefUser(const RefOptions& options, const Parts& parts, Rng rng,
          AfterFn after);

  // Of its own accord, so many deeds.
  void Begin(int deeds);
  [[nodiscard]] bool over() const { return left_ == 0 && !busy_; }

  // One deed; `then` runs when it is done, now or later.
  void DoSomething(std::uint64_t rank_max, const Then& then);
  // Takes some of the refs that are inside of it.
  void Meet(const base::Value& value);
  // What a function was given.
  void MeetArguments(const std::vector<base::Value>& args,
                     const std::vector<base::ObjectName>& passed);

  // The arguments, at the end of the function.
  void LookAgain(const std::vector<base::Value>& args);

  // Refs for the inside of a value; `chance` of any.
  std::vector<base::ObjectName> DrawRefs(double chance,
                                         std::uint64_t rank_max = kAnyRank);
  // What a call passes on, and what is to be done with it.
  void DrawPassed(Operation& wish, std::uint64_t rank_max = kAnyRank);

  // How long a value in the node's store is to be; nothing: it is not.
  std::optional<std::uint64_t> DrawStored();

  // Whether it has asked for the object's outcome.
  [[nodiscard]] bool IsReading(base::ObjectId object) const {
    return reads_.contains(object);
  }
  // `is_judged`: it must be right.
  void OnReady(base::ObjectId object, const base::Outcome& outcome,
               bool is_judged);
  [[nodiscard]] std::size_t reads() const { return reads_.size(); }

  // Reads all there are handles of, once.
  void ReadAll();
  void LetAll();
  // An actor keeps some of what its method had.
  void LetSome();

 private:
  struct Reading {
    Then go_on;
    std::shared_ptr<bool> waits;  // until it goes on
  };

  void Pump();
  // In the node's store, where there is room.
  void PutStored(std::uint64_t rank_max, const Then& then);
  void Put(std::uint64_t rank_max, const std::optional<base::Room>& room);
  // False if it can not be read now.
  bool Read(const base::ObjectName& name, const Then& then);
  void Take(const base::ObjectName& name);
  void LetOne();
  std::optional<base::ObjectName> DrawHandle(std::uint64_t rank_max);
  [[nodiscard]] std::uint64_t RankOf(
      const std::vector<base::ObjectName>& refs) const;

  const RefOptions& options_;
  const Parts parts_;
  Rng rng_;
  const AfterFn after_;
  int left_ = 0;
  bool busy_ = false;                   // a deed of its own is under way
  std::map<base::ObjectId, int> mine_;  // handles that it may let go
  std::map<base::ObjectId, Reading> reads_;
  std::uint64_t puts_ = 0;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_REF_USER_H_
