// Process is a simulated process: it lives, pauses and dies, and what reaches
// it while it is paused waits.
//
//   Alive --Pause--> Paused --> Alive --End--> Dead (final)
//
// A dead process stays in the world's table, so that what was under way to it
// finds out.
// Owner: World.   Threading: none.
#ifndef MOBULA_TESTS_SIM_PROCESS_H_
#define MOBULA_TESTS_SIM_PROCESS_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/sim_link.h"

namespace mobula::sim {

class Process : public Party {
 public:
  Process(base::ProcessId id, base::Role role, base::JobId job,
          EventQueue& queue);

  [[nodiscard]] base::ProcessId id() const final { return id_; }
  [[nodiscard]] base::Role role() const { return role_; }
  [[nodiscard]] base::JobId job() const { return job_; }
  [[nodiscard]] std::int32_t pid() const;
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool paused() const { return queue_.now() < paused_until_; }

  void Turn(std::function<void()> work) final;
  // Runs `work` as a turn, later.
  void After(base::Duration delay, std::function<void()> work);
  void Pause(base::Duration length);
  // It is gone: its links close, after `hold`, nothing of it runs any more.
  void End(base::Duration hold = base::Duration(0));

  // A link of which this process holds one end.
  void AddLink(base::ProcessId peer, std::shared_ptr<SimLink> link);
  [[nodiscard]] SimLink* FindLink(base::ProcessId peer) const;
  void CloseLink(base::ProcessId peer);
  [[nodiscard]] const std::map<base::ProcessId, std::shared_ptr<SimLink>>&
  links() const {
    return links_;
  }

 protected:
  [[nodiscard]] EventQueue& queue() { return queue_; }
  // Nothing is sent if there is no such link, as in the real shells.
  void SendTo(base::ProcessId to, const base::Message& message);

 private:
  void Wake();

  const base::ProcessId id_;
  const base::Role role_;
  const base::JobId job_;
  EventQueue& queue_;
  bool alive_ = true;
  base::BootTime paused_until_;
  std::deque<std::function<void()>> held_;
  std::map<base::ProcessId, std::shared_ptr<SimLink>> links_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_PROCESS_H_
