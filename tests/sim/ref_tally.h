// RefTally counts the borrowers of a run: each process that an owner comes to
// count for an object, because it sent it a ref or was told so by it.
//
//   tally.OnSend(from, to, message);   // each message between processes
// Owner: World.   Threading: none.
#ifndef MOBULA_TESTS_SIM_REF_TALLY_H_
#define MOBULA_TESTS_SIM_REF_TALLY_H_

#include <cstdint>
#include <set>
#include <utility>

#include "base/frames/message.h"
#include "base/ids.h"

namespace mobula::sim {

class RefTally {
 public:
  void OnSend(base::ProcessId from, base::ProcessId to,
              const base::Message& message);

  [[nodiscard]] std::uint64_t borrows() const { return borrows_.size(); }

 private:
  std::set<std::pair<base::ObjectId, base::ProcessId>> borrows_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_REF_TALLY_H_
