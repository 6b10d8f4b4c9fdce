#include "runtime/refs/ref_outbox.h"

#include <algorithm>
#include <utility>

#include "runtime/core/emit.h"

namespace mobula::runtime {
namespace {

// Sends the entries as messages of kind M, which holds them in `field`.
template <class M, class T>
void SendAll(base::ProcessId to, const std::vector<T>& entries,
             std::vector<T> M::* field, Effects& effects) {
  for (std::size_t at = 0; at < entries.size(); at += RefOutbox::kBatch) {
    const std::size_t end = std::min(entries.size(), at + RefOutbox::kBatch);
    M message;
    (message.*field)
        .assign(entries.begin() + static_cast<std::ptrdiff_t>(at),
                entries.begin() + static_cast<std::ptrdiff_t>(end));
    SendTo(effects, to, std::move(message));
  }
}

}  // namespace

void RefOutbox::Flush(Effects& effects) {
  for (const auto& [to, box] : boxes_) {
    SendAll(to, box.borrow, &base::BorrowObjects::objects, effects);
    SendAll(to, box.borrowed, &base::ObjectsBorrowed::objects, effects);
    SendAll(to, box.gone, &base::ObjectsBorrowed::gone, effects);
    SendAll(to, box.taken, &base::ObjectsTaken::objects, effects);
    SendAll(to, box.want, &base::WantObjects::objects, effects);
    SendAll(to, box.lost, &base::ObjectsLost::objects, effects);
    SendAll(to, box.returned, &base::ReturnObjects::objects, effects);
  }
  boxes_.clear();
}

}  // namespace mobula::runtime
