// ListenerState is a socket that listens, and how many that it let in are still
// there; AcceptWait waits for the next. Not for users.
//
//   listens --Close--> closed: those who wait end with operation_canceled
// Owner: shared by the listener, those who wait, and the admissions of the
// streams. Threading: any. Invariant: no more than connections_max are in.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_LISTENER_STATE_H_
#define MOBULA_API_MOBULA_IO_DETAIL_LISTENER_STATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/mobula/coro/detail/io_wait.h"
#include "api/mobula/io/byte_stream.h"
#include "api/mobula/io/detail/endpoint.h"
#include "api/mobula/io/detail/shared_descriptor.h"
#include "api/mobula/io/listen_options.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace mobula::detail {

class ListenerState : public std::enable_shared_from_this<ListenerState> {
 public:
  // Binds and listens at the first that can be had. Throws NetworkError.
  static std::shared_ptr<ListenerState> Listen(
      const std::vector<Endpoint>& endpoints, const std::string& name,
      const ListenOptions& options);

  ListenerState(base::UniqueFd fd, const ListenOptions& options);

  void Close();
  [[nodiscard]] std::size_t connections() const MOBULA_EXCLUDES(mutex_);
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Null once it is closed.
  [[nodiscard]] DescriptorPtr descriptor() const { return descriptor_.get(); }

 private:
  friend class AcceptWait;
  struct Admission;

  base::IoWatch::Attempt Accept(int fd, base::UniqueFd* accepted, int* error)
      MOBULA_EXCLUDES(mutex_);
  void Leave() MOBULA_EXCLUDES(mutex_);

  const std::string address_;
  const std::uint16_t port_;
  const std::size_t connections_max_;
  SharedDescriptor descriptor_;
  std::atomic<bool> is_closed_{false};
  mutable base::Mutex mutex_;
  std::size_t connections_ MOBULA_GUARDED_BY(mutex_) = 0;
};

using ListenerPtr = std::shared_ptr<ListenerState>;

class AcceptWait : public IoWait {
 protected:
  AcceptWait(ListenerPtr listener, Timeout timeout);
  ~AcceptWait() override;

  StreamPtr TakeStream();

 private:
  Attempt Try() noexcept override;

  const ListenerPtr listener_;
  base::UniqueFd accepted_;
  std::shared_ptr<void> admission_;
  int error_ = 0;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_LISTENER_STATE_H_
