// FakeDriver stands in for a program that uses Mobula: it starts a raylet as
// the library does, or joins one that runs, and speaks to it and to its workers
// message by message.
//
//   FakeDriver driver(options);
//   driver.Register();
//   base::LeaseGranted granted = *driver.Ask(base::ResourceVector::Cpus(1));
//   std::string pid = *driver.Run(granted, "pid");
// For tests.
// Threading: one thread calls; a thread of its own reads.
#ifndef MOBULA_CLI_FAKE_DRIVER_H_
#define MOBULA_CLI_FAKE_DRIVER_H_

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_request.h"
#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::cli {

class FakeDriver {
 public:
  struct Options {
    std::string mobula;                    // the program
    std::string worker;                    // what workers execute
    std::vector<std::string> arguments;    // behind the two descriptors
    std::vector<std::string> environment;  // "NAME=VALUE", beside our own
    // Of a node that runs; then nothing is started, and the worker's program is
    // sent along.
    std::string socket;
    std::int32_t weight = 1;
  };
  static constexpr base::Duration kPatience = std::chrono::seconds(20);

  explicit FakeDriver(const Options& options);
  ~FakeDriver();  // closes the link and waits for the head
  FakeDriver(const FakeDriver&) = delete;
  FakeDriver& operator=(const FakeDriver&) = delete;

  // The driver's hello; true once the raylet has answered.
  bool Register();
  void Send(base::Message message);
  void SendTo(base::ProcessId worker, base::Message message);
  base::LeaseId Request(const base::ResourceVector& shape,
                        bool for_actor = false);
  // A lease that is granted; nothing if it is refused or takes too long.
  std::optional<base::LeaseGranted> Ask(const base::ResourceVector& shape,
                                        bool for_actor = false);
  // Has the worker run a command of stand_in; its answer.
  std::optional<std::string> Run(const base::LeaseGranted& on,
                                 const std::string& command);
  void Begin(const base::LeaseGranted& on, const std::string& command);

  // Asks the control store; nothing if no answer comes in time.
  std::optional<base::ControlReply> AskControl(base::ControlRequest request);

  // The first message of this kind for which `is` holds, taken out of what has
  // come; nothing if none comes in time.
  template <class M>
  std::optional<M> WaitFor(const std::function<bool(const M&)>& is) {
    std::optional<M> found;
    WaitUntil([&found, &is](std::deque<base::Message>& messages) {
      for (auto it = messages.begin(); it != messages.end(); ++it) {
        const M* m = std::get_if<M>(&*it);
        if (m == nullptr || !is(*m)) continue;
        found = *m;
        messages.erase(it);
        return true;
      }
      return false;
    });
    return found;
  }
  // Whether the link to the raylet ends in time.
  bool WaitForEnd();
  // Closes the link and waits; the head's exit code, -1 if it takes too long.
  int End();

  [[nodiscard]] pid_t head() const { return head_; }
  [[nodiscard]] base::JobId job() const { return job_; }
  [[nodiscard]] base::ProcessId self() const { return self_; }
  base::IdSource& ids() { return ids_; }

 private:
  using Links = std::map<base::ProcessId, std::unique_ptr<base::Link>>;

  void StartHead(const Options& options, int socket);
  [[nodiscard]] base::UniqueFd Reach();
  void OpenLink(base::ProcessId peer, base::UniqueFd socket);
  void Note(base::Message message, base::UniqueFd fd);
  void OnStrand(base::Strand::Closure closure);
  void WaitUntil(const std::function<bool(std::deque<base::Message>&)>& is);

  const Options options_;
  base::IdSource ids_;
  const base::ProcessId self_;
  const base::JobId job_;
  pid_t head_ = 0;
  std::unique_ptr<base::Link> raylet_;  // strand
  Links links_;                         // strand
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<base::Message> messages_;  // mutex_
  bool ended_ = false;                  // mutex_
  base::Strand strand_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_FAKE_DRIVER_H_
