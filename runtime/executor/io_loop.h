// IoLoop tells when descriptors can be read or written. Boost.Asio stands
// behind this header, and nothing else of the tree sees it.
//
//   int error = 0;
//   std::unique_ptr<IoDescriptor> socket = loop.Open(std::move(fd), &error);
//   base::MutexLock lock(socket->mutex());
//   socket->Append(base::IoWatch::Direction::kRead, &watch);
//
// One thread, which the first Open starts, waits for all of them, makes the
// attempts of those who wait, in the order in which they came, and tells those
// that are over.
// Owner: the process's executor; each IoDescriptor is owned by its socket.
// Threading: any thread.
// Invariants: (1) a watch that is removed is neither tried nor told after that;
// (2) one that waits is tried whenever its descriptor may have become ready.
// Failure: a descriptor that cannot be waited for (a file) is refused by Open.
// A forked child has none of it: descriptors of the parent close their own fd
// there, and touch nothing else.
#ifndef MOBULA_RUNTIME_EXECUTOR_IO_LOOP_H_
#define MOBULA_RUNTIME_EXECUTOR_IO_LOOP_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/io_watch.h"
#include "base/unique_fd.h"

namespace mobula::runtime {

class IoLoop;

class IoDescriptor {
 public:
  ~IoDescriptor();
  IoDescriptor(const IoDescriptor&) = delete;
  IoDescriptor& operator=(const IoDescriptor&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Whether it was made by the process that this one was forked from.
  [[nodiscard]] bool IsOfParent() const;

  // Whether its watches wait, and what they were told.
  [[nodiscard]] base::Mutex& mutex() const;
  void Append(base::IoWatch::Direction direction, base::IoWatch* watch)
      MOBULA_REQUIRES(mutex());
  // False if it does not wait (any more).
  bool Remove(base::IoWatch* watch) MOBULA_REQUIRES(mutex());

  // Tries all who wait, for a reason that the descriptor does not know.
  void TryAll() MOBULA_EXCLUDES(mutex());
  // How often that was done: one who was not waiting yet sees that he has to
  // try again.
  [[nodiscard]] std::uint32_t times_tried() const;

 private:
  friend class IoLoop;
  struct State;
  IoDescriptor(IoLoop& loop, std::shared_ptr<State> state, base::UniqueFd fd);

  IoLoop& loop_;
  base::UniqueFd fd_;
  // Shared with what Asio still has to call back.
  std::shared_ptr<State> state_;
};

class IoLoop {
 public:
  IoLoop();
  // No descriptor is open any more.
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  // Null, and the error number, if it cannot be waited for. It should be
  // non-blocking.
  std::unique_ptr<IoDescriptor> Open(base::UniqueFd fd, int* error)
      MOBULA_EXCLUDES(mutex_);

  // Ends the thread if no descriptor is open; the next Open starts another.
  void Rest() MOBULA_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t open() const MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] bool has_thread() const MOBULA_EXCLUDES(mutex_);

 private:
  friend class IoDescriptor;
  struct Asio;

  void Closed() MOBULA_EXCLUDES(mutex_);
  void StartThread() MOBULA_REQUIRES(mutex_);
  void EndThread() MOBULA_REQUIRES(mutex_);

  const std::unique_ptr<Asio> asio_;
  const std::uint32_t made_at_fork_;
  mutable base::Mutex mutex_;
  std::size_t open_ MOBULA_GUARDED_BY(mutex_) = 0;
};

// How often this line of processes has forked, from the first IoLoop on.
[[nodiscard]] std::uint32_t IoForkCount();

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_IO_LOOP_H_
