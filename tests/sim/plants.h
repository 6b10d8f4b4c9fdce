// Plants are bugs on purpose, each of a kind that was once made in earnest: if
// the simulator does not find one in the default run, the simulator is broken.
//
//   plants.Strikes(Plant::kLostReply)   // now and then, where it is planted
//
// They stand between a core and its shell, in the simulator only, and make the
// core look as if it had the bug; the cores themselves are what ships.
// Threading: a value.
#ifndef MOBULA_TESTS_SIM_PLANTS_H_
#define MOBULA_TESTS_SIM_PLANTS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/boot_time.h"
#include "tests/sim/rng.h"

namespace mobula::sim {

enum class Plant : std::uint8_t {
  kNone = 0,
  kMissingDedup,      // the session delivers a repeated frame again
  kLeakedSlot,        // the raylet forgets a lease that was returned
  kLostReply,         // a worker forgets to answer
  kStaleEpoch,        // the session takes a frame of a former epoch
  kStaleIncarnation,  // an owner accepts an answer of a former incarnation
  kChargedUnstarted,  // what waited behind a crash fails with it
  kFifoBreak,         // a worker swaps two calls of one caller
  kLostReference,     // a sender lets go before its receiver is counted
  kKeptReference,     // an object that was dropped is kept
  kReturnedTwice,     // a borrower returns more than it has received
  kExtraRetry,        // a task is tried once too often
  kFalseClaim,        // `executed = maybe` is told as `no`
  kDoubleOutcome,     // a settled object is settled again
  kReplyBeforeWrite,  // the control store answers before its write is durable
  kStaleReport,       // it believes a report of a former incarnation
  kUnreportedLoss,    // who finds lost bytes does not say so
  kUncheckedBytes,    // damaged bytes come back from disk unseen
  kUnseededChance,    // something depends on more than the seed
};

struct PlantName {
  Plant plant;
  std::string_view name;
  std::string_view story;
};

std::span<const PlantName> AllPlants();
std::optional<Plant> FindPlant(std::string_view name);

class Plants {
 public:
  Plants(Plant plant, Rng rng) : plant_(plant), rng_(rng) {}

  // More than the seed says, where kUnseededChance is planted.
  [[nodiscard]] base::Duration Unseeded() const;
  [[nodiscard]] bool Is(Plant plant) const { return plant_ == plant; }
  // True for `plant` once in `one_in` asks; uses no chance for others.
  bool Strikes(Plant plant, std::uint64_t one_in = 8) {
    if (plant_ != plant) return false;
    return rng_.Below(one_in) == 0;
  }

 private:
  const Plant plant_;
  Rng rng_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_PLANTS_H_
