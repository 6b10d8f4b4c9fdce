// FakeStore is a control store for tests: a core over a log that is a map,
// which can be killed and started again at any moment.
//
//   FakeStore store;
//   store.Join(peer, node);
//   auto reply = store.Call(peer, process, base::GetStatus());
//   EXPECT_TRUE(store.Sent<base::HostActor>(peer).size() == 1);
//   store.Kill();  // only what was written is left
//
// Each step's writes are durable at once. Threading: none.
#ifndef MOBULA_GCS_CORE_FAKE_STORE_H_
#define MOBULA_GCS_CORE_FAKE_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/ids.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class FakeStore {
 public:
  FakeStore() : FakeStore(Core::Options()) {}
  explicit FakeStore(Core::Options options);

  // Kills it and starts it again, `away` later.
  void Kill(base::Duration away = base::Duration(0));
  void Step(const Event& event);
  void Say(base::ProcessId peer, base::ControlMessage message) {
    Step(Received{peer, std::move(message)});
  }
  // Time goes on, and Ticks come when they are asked for, if `ticks`.
  void Pass(base::Duration duration, bool ticks = true);

  // Asks under a new id, through `peer`.
  base::ControlReply Call(base::ProcessId peer, base::ControlRequest body);
  base::ControlReply Call(base::ProcessId peer, base::ControlCall call);

  void Join(base::ProcessId peer, base::NodeId node,
            std::vector<base::JobRecord> jobs = {},
            std::vector<base::ActorReport> actors = {});

  // The messages of a kind to `peer` since the last Forget, or Kill.
  template <class Message>
  [[nodiscard]] std::vector<Message> Sent(base::ProcessId peer) const {
    std::vector<Message> found;
    for (const Send& send : sent_) {
      const auto* const message = std::get_if<Message>(&send.message);
      if (send.to == peer && message != nullptr) found.push_back(*message);
    }
    return found;
  }
  [[nodiscard]] const std::vector<Send>& sent() const { return sent_; }
  void Forget() { sent_.clear(); }
  // What was answered to the question at the door, CHECKs: it was.
  [[nodiscard]] TokenVerdict Verdict(std::uint64_t call) const {
    return verdicts_.at(call);
  }

  Core& core() { return *core_; }
  [[nodiscard]] base::BootTime now() const { return now_; }
  [[nodiscard]] base::BootTime timer() const { return timer_; }
  [[nodiscard]] int timers_set() const { return timers_set_; }
  [[nodiscard]] const std::map<std::string, std::string>& log() const {
    return log_;
  }
  // The writes of the last step.
  [[nodiscard]] std::size_t written() const { return written_; }

 private:
  void Begin();
  void Carry(Effects& effects);

  Core::Options options_;
  std::unique_ptr<Core> core_;
  std::map<std::string, std::string> log_;
  std::vector<Send> sent_;
  std::map<std::uint64_t, TokenVerdict> verdicts_;
  base::BootTime now_ = base::BootTime::FromSinceBoot(std::chrono::hours(1));
  base::BootTime timer_ = base::BootTime::Never();
  int timers_set_ = 0;
  std::size_t written_ = 0;
  std::uint64_t requests_ = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_FAKE_STORE_H_
