#include "base/shm/worker_page.h"

#include <algorithm>

namespace mobula::base {
namespace {

// A write takes well under a microsecond; a page that is torn for so many
// reads belongs to a process that died while it wrote.
constexpr int kReadsMax = 64;

}  // namespace

// A sequence lock without fences (ThreadSanitizer does not know them): the text
// is stored with release and loaded with acquire, so that a reader who saw one
// new character also sees the odd sequence that came before it.
void WorkerPage::SetRunning(std::string_view function) {
  const auto length =
      static_cast<std::uint32_t>(std::min(function.size(), kNameBytesMax));
  const std::uint32_t start =
      sequence.load(std::memory_order_relaxed) & ~std::uint32_t{1};
  sequence.store(start + 1, std::memory_order_relaxed);
  name_length.store(length, std::memory_order_release);
  for (std::uint32_t i = 0; i < length; ++i) {
    name[i].store(function[i], std::memory_order_release);
  }
  sequence.store(start + 2, std::memory_order_release);
  SetBusy(length > 0);
}

void WorkerPage::Charge(ActorId actor, std::string_view function) {
  std::uint32_t free = 0;
  if (!charge.compare_exchange_strong(free, 1)) return;
  charged[0].store(actor.hi, std::memory_order_relaxed);
  charged[1].store(actor.lo, std::memory_order_relaxed);
  charge.store(2, std::memory_order_release);
  SetRunning(function);
}

ActorId WorkerPage::Charged() const {
  if (charge.load(std::memory_order_acquire) != 2) return ActorId();
  return ActorId{charged[0].load(std::memory_order_relaxed),
                 charged[1].load(std::memory_order_relaxed)};
}

std::string WorkerPage::Last() const {
  for (int read = 0; read < kReadsMax; ++read) {
    const std::uint32_t before = sequence.load(std::memory_order_acquire);
    if (before % 2 != 0) continue;
    const std::size_t length = std::min<std::size_t>(
        name_length.load(std::memory_order_acquire), kNameBytesMax);
    std::string text(length, '\0');
    for (std::size_t i = 0; i < length; ++i) {
      text[i] = name[i].load(std::memory_order_acquire);
    }
    if (sequence.load(std::memory_order_relaxed) == before) return text;
  }
  return "";
}

}  // namespace mobula::base
