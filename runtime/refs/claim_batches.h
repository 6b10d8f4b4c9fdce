// ClaimBatches says what a process has of a dead owner's objects, or, about to
// end, of its own, in messages of bounded size.
//
//   ClaimBatches claims(raylet, owner, effects);
//   claims.Add(object, outcome);   // null: it is not known
//   claims.Finish();               // always, also of nothing
// Outcomes with refs inside stay where they are: the raylet keeps no refs.
// Threading: none; lives within one step.
#ifndef MOBULA_RUNTIME_REFS_CLAIM_BATCHES_H_
#define MOBULA_RUNTIME_REFS_CLAIM_BATCHES_H_

#include <cstddef>
#include <utility>
#include <variant>

#include "base/failure.h"
#include "base/frames/object_message.h"
#include "base/ids.h"
#include "runtime/core/emit.h"
#include "runtime/core/events.h"
#include "runtime/refs/inside.h"
#include "runtime/refs/ref_outbox.h"

namespace mobula::runtime {

class ClaimBatches {
 public:
  static constexpr std::size_t kBytesMax = 1u << 20;

  ClaimBatches(base::ProcessId raylet, base::ProcessId owner, Effects& effects)
      : raylet_(raylet), effects_(effects) {
    batch_.owner = owner;
    batch_.is_last = false;
  }

  void Add(base::ObjectId object, const base::Outcome* outcome) {
    if (bytes_ >= kBytesMax || batch_.objects.size() == RefOutbox::kBatch) {
      SendTo(effects_, raylet_, batch_);
      batch_.objects.clear();
      bytes_ = 0;
    }
    base::ClaimedObject& claimed = batch_.objects.emplace_back();
    claimed.object = object;
    claimed.is_settled = outcome != nullptr;
    if (outcome == nullptr) return;
    claimed.has_refs = HasRefs(*outcome);
    if (claimed.has_refs) return;
    claimed.outcome = *outcome;
    const auto* value = std::get_if<base::Value>(outcome);
    if (value != nullptr) bytes_ += value->bytes().size();
  }

  void Finish() {
    batch_.is_last = true;
    SendTo(effects_, raylet_, std::move(batch_));
  }

 private:
  const base::ProcessId raylet_;
  Effects& effects_;
  base::ClaimObjects batch_;
  std::size_t bytes_ = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_CLAIM_BATCHES_H_
