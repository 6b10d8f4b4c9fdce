// FakeStore is the raylet's side of the node's store, for tests: so many arenas
// of one size, nothing is spilled.
//
//   FakeStore store({.arenas_max = 2});
//   store.Hear(message, reply);   // each message that the process sends
// A longer value gets an arena of its own size, which counts as one. What lies
// on another node (PutAfar) has a copy made each time that it is pulled.
// Threading: any; `reply` is called with no lock held.
#ifndef MOBULA_RUNTIME_MEMORY_FAKE_STORE_H_
#define MOBULA_RUNTIME_MEMORY_FAKE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/frames/message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/shm/arena_file.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "base/value.h"

namespace mobula::runtime {

class FakeStore {
 public:
  struct Options {
    std::uint64_t arena_bytes = 64 * 1024;
    std::size_t arenas_max = 4;
    std::uint64_t value_bytes_max = 1 << 20;
    bool loses_descriptors = false;
    bool answers_open = true;
    bool answers_pull = true;
    // The first so many copies are gone before they can be opened.
    int copies_gone = 0;
  };
  using ReplyFn = std::function<void(base::Message, base::UniqueFd)>;

  explicit FakeStore(const Options& options);

  void Hear(const base::Message& message, const ReplyFn& reply)
      MOBULA_EXCLUDES(mutex_);
  void SetArenasMax(std::size_t arenas_max, const ReplyFn& reply)
      MOBULA_EXCLUDES(mutex_);

  // Such a value, on another node.
  void PutAfar(const base::Extent& extent, std::string value)
      MOBULA_EXCLUDES(mutex_);

  // Arenas that are leased now.
  [[nodiscard]] std::vector<base::ArenaId> Leased() MOBULA_EXCLUDES(mutex_);
  // Requests that wait.
  [[nodiscard]] std::size_t waiting() MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] int opened_count() MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] int pulled_count() MOBULA_EXCLUDES(mutex_);

 private:
  using Replies = std::vector<std::pair<base::Message, base::UniqueFd>>;

  void Serve(Replies& replies) MOBULA_REQUIRES(mutex_);
  void Lease(const base::LeaseArena& request, Replies& replies)
      MOBULA_REQUIRES(mutex_);
  void Open(base::ArenaId arena, Replies& replies) MOBULA_REQUIRES(mutex_);
  void Pull(const base::PullValue& pull, Replies& replies)
      MOBULA_REQUIRES(mutex_);

  const Options options_;
  base::Mutex mutex_;
  base::IdSource ids_ MOBULA_GUARDED_BY(mutex_);
  std::size_t arenas_max_ MOBULA_GUARDED_BY(mutex_);
  std::map<base::ArenaId, std::unique_ptr<base::ArenaFile>> arenas_
      MOBULA_GUARDED_BY(mutex_);
  std::map<base::RequestId, base::ArenaId> leased_to_ MOBULA_GUARDED_BY(mutex_);
  std::deque<base::LeaseArena> waiting_ MOBULA_GUARDED_BY(mutex_);
  int opened_count_ MOBULA_GUARDED_BY(mutex_) = 0;
  std::vector<std::pair<base::Extent, std::string>> afar_
      MOBULA_GUARDED_BY(mutex_);
  int pulled_count_ MOBULA_GUARDED_BY(mutex_) = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_MEMORY_FAKE_STORE_H_
