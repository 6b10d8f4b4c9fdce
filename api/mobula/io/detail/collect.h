// CollectWait reads all that a program writes into one pipe: to its end, or to
// what is there when the program has ended, since others may hold the pipe
// longer. Not for users.
// Threading: as of StreamWait; `has_ended` is set by anybody, who then calls
// TryAll. Errors: as of reads.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_COLLECT_H_
#define MOBULA_API_MOBULA_IO_DETAIL_COLLECT_H_

#include <atomic>
#include <cstddef>
#include <string>

#include "api/mobula/io/byte_stream.h"

namespace mobula::detail {

class CollectWait final : public StreamWait {
 public:
  // Appends up to `bytes_max` bytes to `into`; says in `cut` whether there were
  // more.
  CollectWait(StreamPtr stream, const std::atomic<bool>& has_ended,
              std::size_t bytes_max, std::string& into, bool& cut);
  void await_resume();

 private:
  Attempt Try() noexcept override;

  const std::atomic<bool>& has_ended_;
  const std::size_t bytes_max_;
  std::string& into_;
  bool& cut_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_COLLECT_H_
