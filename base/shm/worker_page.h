// WorkerPage: one page of memory that a worker writes and its raylet reads,
// also after the worker has died: which function runs, since which task.
//
// The raylet makes it (memfd), hands it to the worker at start and uses it to
// label output and to say in a failure what ran. It trusts nothing in it: the
// length is clamped, the text is for people only.
// Threading: written by the worker's slot thread alone; a reader may see a torn
// name and tries again (`sequence` odd: being written).
#ifndef MOBULA_BASE_SHM_WORKER_PAGE_H_
#define MOBULA_BASE_SHM_WORKER_PAGE_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace mobula::base {

struct WorkerPage {
  static constexpr std::size_t kNameBytesMax = 240;

  std::atomic<std::uint32_t> sequence;
  std::atomic<std::uint32_t> name_length;
  std::atomic<char> name[kNameBytesMax];

  // Writer: what runs now ("" for nothing); cut to kNameBytesMax.
  void SetRunning(std::string_view function);
  // Reader: what ran when last seen whole, "" if nothing or torn throughout.
  [[nodiscard]] std::string Running() const;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_WORKER_PAGE_H_
