#include "tests/sim/ref_tally.h"

#include <variant>

#include "base/value.h"
#include "tests/ownership/truth.h"

namespace mobula::sim {

void RefTally::OnSend(base::ProcessId from, base::ProcessId to,
                      const base::Message& message) {
  if (const auto* borrow = std::get_if<base::BorrowObjects>(&message)) {
    for (const base::ObjectId object : borrow->objects) {
      borrows_.emplace(object, from);
    }
    return;
  }
  for (const base::ObjectName& name : ownership::MentionsIn(message)) {
    if (name.owner == from) borrows_.emplace(name.object, to);
  }
}

}  // namespace mobula::sim
