#include "tests/sim/plants.h"

namespace mobula::sim {
namespace {

constexpr PlantName kPlants[] = {
    {Plant::kMissingDedup, "missing-dedup",
     "the session delivers a repeated frame again"},
    {Plant::kLeakedSlot, "leaked-slot",
     "the raylet forgets a lease that was returned"},
    {Plant::kLostReply, "lost-reply", "a worker forgets to answer"},
    {Plant::kStaleEpoch, "stale-epoch",
     "the session takes a frame of a former epoch"},
    {Plant::kStaleIncarnation, "stale-incarnation",
     "an owner accepts an answer of a former incarnation"},
    {Plant::kChargedUnstarted, "charged-unstarted",
     "what waited behind a crash fails with it"},
    {Plant::kFifoBreak, "fifo-break", "a worker swaps two calls of a caller"},
    {Plant::kLostReference, "lost-reference",
     "a sender of a ref lets go before its receiver is counted"},
    {Plant::kKeptReference, "kept-reference",
     "an object that was dropped is kept"},
    {Plant::kReturnedTwice, "returned-twice",
     "a borrower returns more than it has received"},
    {Plant::kExtraRetry, "extra-retry", "a task is tried once too often"},
    {Plant::kFalseClaim, "false-claim", "`maybe` is told as `no`"},
    {Plant::kDoubleOutcome, "double-outcome",
     "a settled object is settled again"},
    {Plant::kReplyBeforeWrite, "reply-before-write",
     "the control store answers before its write is durable"},
    {Plant::kStaleReport, "stale-report",
     "the control store believes a report of a former incarnation"},
    {Plant::kUnreportedLoss, "unreported-loss",
     "a reader that finds lost bytes does not say so"},
    {Plant::kUncheckedBytes, "unchecked-bytes",
     "damaged bytes come back from disk unseen"},
    {Plant::kUnseededChance, "unseeded-chance",
     "something depends on more than the seed"},
};

}  // namespace

std::span<const PlantName> AllPlants() { return kPlants; }

std::optional<Plant> FindPlant(std::string_view name) {
  for (const PlantName& plant : kPlants) {
    if (plant.name == name) return plant.plant;
  }
  return std::nullopt;
}

base::Duration Plants::Unseeded() const {
  static std::int64_t asked = 0;
  if (plant_ != Plant::kUnseededChance) return base::Duration(0);
  return base::Duration(++asked);
}

}  // namespace mobula::sim
