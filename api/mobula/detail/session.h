// Session is the runtime of this process as the API sees it: what Init makes in
// a driver and the takeover in a worker. Not for users.
//
//   open --Close--> closed (for ever; a new Init makes a new Session)
// Handles of refs and actors hold their session; once it is closed they are
// inert, and its backend stays as long as they do, shut down.
// Owner: shared; the current one is the process's second global.
// Threading: every method from any thread.
// Invariant: at most one session is current.
#ifndef MOBULA_API_MOBULA_DETAIL_SESSION_H_
#define MOBULA_API_MOBULA_DETAIL_SESSION_H_

#include <atomic>
#include <memory>

#include "api/mobula/timeout.h"
#include "base/boot_time.h"

namespace mobula::runtime {
class Backend;
}  // namespace mobula::runtime

namespace mobula::detail {

class Session {
 public:
  explicit Session(std::shared_ptr<runtime::Backend> backend);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Null if there is none.
  static std::shared_ptr<Session> Current();
  // Throws RuntimeClosed if there is none.
  static std::shared_ptr<Session> Require();
  // False if there is one already.
  static bool MakeCurrent(std::shared_ptr<Session> session);

  // Null once it is closed.
  [[nodiscard]] runtime::Backend* backend() const;
  // Throws RuntimeClosed once it is closed.
  [[nodiscard]] runtime::Backend& OpenBackend() const;

  // Throws RuntimeClosed once it is closed.
  [[nodiscard]] base::BootTime DeadlineAfter(Timeout timeout) const;

  // Makes the handles inert, then shuts the backend down. Twice is once.
  void Close();

 private:
  const std::shared_ptr<runtime::Backend> backend_;
  std::atomic<bool> closed_{false};
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_SESSION_H_
