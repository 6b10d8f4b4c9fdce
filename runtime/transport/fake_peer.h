// FakePeer is the other end of a link, for tests: a raylet, an owner or a
// worker that does what the test says.
//
//   auto [ours, theirs] = SocketPair();
//   FakePeer raylet(std::move(theirs), kRayletId, base::Role::kRaylet);
//   raylet.Script([](FakePeer& peer, const base::Message& message) { ... });
//   base::EndJob asked = raylet.Expect<base::EndJob>();
// Threading: any; the script runs on the peer's strand.
#ifndef MOBULA_RUNTIME_TRANSPORT_FAKE_PEER_H_
#define MOBULA_RUNTIME_TRANSPORT_FAKE_PEER_H_

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::runtime {

// Two connected sockets.
std::pair<base::UniqueFd, base::UniqueFd> SocketPair();

class FakePeer {
 public:
  using ScriptFn = std::function<void(FakePeer&, const base::Message&)>;

  // `script` sees every message before Expect does. `rings`: it goes on through
  // shared memory where the other end does.
  FakePeer(base::UniqueFd socket, base::ProcessId self, base::Role role,
           ScriptFn script = nullptr, bool rings = false);
  ~FakePeer();
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  // In order; `fd` rides beside.
  void Send(base::Message message, base::UniqueFd fd = base::UniqueFd());
  // Sends Attach for `peer` and returns the other end of the new link.
  base::UniqueFd Attach(base::ProcessId peer, bool is_afar = false);
  // Closes the link, as a process does that dies.
  void Close();
  void WaitClosed();

  // The next message of this kind that has not been expected yet; a CHECK after
  // ten seconds.
  template <class T>
  T Expect() {
    const base::BootTime deadline = base::BootNow() + kPatience;
    base::MutexLock lock(mutex_);
    while (true) {
      for (auto it = got_.begin(); it != got_.end(); ++it) {
        if (!std::holds_alternative<T>(*it)) continue;
        T found = std::get<T>(std::move(*it));
        got_.erase(it);
        return found;
      }
      const base::BootTime now = base::BootNow();
      MOBULA_CHECK(now < deadline, "the message did not come");
      changed_.WaitFor(mutex_, deadline - now);
    }
  }

 private:
  static constexpr base::Duration kPatience = std::chrono::seconds(10);

  const ScriptFn script_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::deque<base::Message> got_ MOBULA_GUARDED_BY(mutex_);
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
  base::Strand strand_;  // before what runs on it
  std::unique_ptr<base::Link> link_ MOBULA_GUARDED_BY(strand_);
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_TRANSPORT_FAKE_PEER_H_
