// WorkerLoss gathers the two signs that a worker is gone, the raylet's word
// (LeaseLost, with the story) and the end of the link to it (after which
// nothing that it said is still under way), and says when to act.
//
//   none --Told or LinkEnded--> suspected --the other one, or time--> decided
// Answers that were under way when the worker died are thus counted before it
// is decided what was left undone. The one sign without the other is believed
// after a while: a grandchild may hold the socket open, and a link may break
// while its worker lives.
// Owner: one for each lease.   Threading: none; pure.
#ifndef MOBULA_RUNTIME_CORE_WORKER_LOSS_H_
#define MOBULA_RUNTIME_CORE_WORKER_LOSS_H_

#include <chrono>
#include <optional>
#include <utility>

#include "base/boot_time.h"
#include "base/failure.h"

namespace mobula::runtime {

class WorkerLoss {
 public:
  static constexpr base::Duration kLinkPatience = std::chrono::milliseconds(50);
  static constexpr base::Duration kWordPatience = std::chrono::seconds(1);
  // The raylet may be slow to end a worker, which goes on until then.
  static constexpr base::Duration kEndPatience = std::chrono::seconds(10);

  void Told(base::Failure failure, base::BootTime now) {
    if (word_.has_value()) return;
    word_ = std::move(failure);
    decide_at_ = link_ended_ ? now : now + kLinkPatience;
  }
  // We have asked the raylet to end it, and it will not send word.
  void Ended(base::Failure failure, base::BootTime now) {
    if (word_.has_value()) return;
    word_ = std::move(failure);
    decide_at_ = link_ended_ ? now : now + kEndPatience;
  }
  void LinkEnded(base::BootTime now) {
    if (link_ended_) return;
    link_ended_ = true;
    decide_at_ = word_.has_value() ? now : now + kWordPatience;
  }

  [[nodiscard]] bool suspected() const {
    return link_ended_ || word_.has_value();
  }
  [[nodiscard]] base::BootTime decide_at() const { return decide_at_; }
  [[nodiscard]] bool Decided(base::BootTime now) const {
    return now >= decide_at_;
  }
  // Whether the raylet knows; if not, it must be told to end the worker.
  [[nodiscard]] bool told() const { return word_.has_value(); }

  // Both signs are there: nothing that the worker said is still under way.
  [[nodiscard]] bool complete() const {
    return link_ended_ && word_.has_value();
  }

  // Why, as far as anyone said.
  [[nodiscard]] base::Failure failure() const {
    if (word_.has_value()) return *word_;
    base::Failure failure;
    failure.code = base::FailureCode::kWorkerDied;
    failure.message = "the connection to the worker broke";
    return failure;
  }

 private:
  std::optional<base::Failure> word_;
  bool link_ended_ = false;
  base::BootTime decide_at_ = base::BootTime::Never();
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_WORKER_LOSS_H_
