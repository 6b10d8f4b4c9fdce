// FedShard is a shard, and what it takes to feed it again when its process
// died.
//
// Read and Apply are bound to the incarnation that was fed last: one that was
// born since, and holds nothing, never answers them; they fail instead
// (IsLoss), and Feed gives the new one the checkpoint.
// Owner: Trainer, one for each slice.   Threading: none.
// Failure: Feed throws what sending again cannot cure.
#ifndef MOBULA_EXAMPLES_PARAMETER_SERVER_FED_SHARD_H_
#define MOBULA_EXAMPLES_PARAMETER_SERVER_FED_SHARD_H_

#include <mobula/mobula.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "examples/parameter_server/shard.h"

namespace digits {

using Gradient = std::vector<float>;

class FedShard {
 public:
  // Creates the actor and feeds it.
  explicit FedShard(Slice slice);

  [[nodiscard]] mobula::Ref<Slice> Read() const;
  void Apply(const mobula::Ref<Gradient>& gradient, float rate) const;

  // What to feed from now on: a Slice that Read gave.
  void Keep(Slice slice) { checkpoint_ = std::move(slice); }
  [[nodiscard]] const Slice& checkpoint() const { return checkpoint_; }
  // Sets whatever incarnation lives back to the checkpoint.
  void Feed();

  // Ends its process; another one begins, which holds nothing.
  void Kill() const;

  [[nodiscard]] std::uint64_t restarts() const {
    return static_cast<std::uint64_t>(fed_ - 1);
  }

 private:
  [[nodiscard]] mobula::CallOptions OfFed() const;

  mobula::Actor<Shard> actor_;
  Slice checkpoint_;
  std::int64_t fed_ = 0;  // the incarnation
};

// Whether the error, of a call or of a task that wanted a call's answer, says
// that a shard's process has ended.
bool IsLoss(const mobula::Error& error);

}  // namespace digits

#endif  // MOBULA_EXAMPLES_PARAMETER_SERVER_FED_SHARD_H_
