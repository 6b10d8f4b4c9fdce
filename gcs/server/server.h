// Server is the control store of a cluster: the core, its log, and the lines to
// raylets and tools.
//
//   ControlServer -> Core -> CommitQueue -> ControlLog
//                                |             | durable
//   ControlServer <--------------+<------------+
//
//   auto server = Server::Open(strand, std::move(options), &error);
//   strand.Run();                      // it serves
// While the queue is full of effects that wait for the disk it reads nothing.
// Owner: RunGcs.   Threading: everything on the strand.
// Other machines come by TLS (Door, base/rpc); what a node says of others than
// itself is not handled.
// Invariants: (1) effects are carried out in the order of the core, once all
// that they tell of is durable; (2) nothing is served before all records were
// restored.
// Failure: Open says in a sentence what is wrong with the log or an address.
#ifndef MOBULA_GCS_SERVER_SERVER_H_
#define MOBULA_GCS_SERVER_SERVER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_address.h"
#include "base/rpc/control_server.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "gcs/core/commit_queue.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"
#include "gcs/log/control_log.h"
#include "gcs/server/door.h"

namespace mobula::gcs {

class Server {
 public:
  struct Options {
    ControlLog::Options log;
    std::vector<base::ControlAddress> listen;
    base::UniqueFd served;  // a connection to begin with, may be none
    std::string token;      // asked for over TCP without TLS
    CommitQueue::Options queue;
    Door::Options door;  // its cluster is the log's
  };

  static std::unique_ptr<Server> Open(base::Strand& strand, Options options,
                                      std::string* error);
  ~Server();  // on the strand; what was appended is synced
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, with the ports that were chosen.
  [[nodiscard]] const std::vector<base::ControlAddress>& bound() const {
    return bound_;
  }

 private:
  Server(base::Strand& strand, CommitQueue::Options queue);

  bool OpenLog(ControlLog::Options options, std::string* error)
      MOBULA_REQUIRES(strand_);
  bool Restore(std::string* error) MOBULA_REQUIRES(strand_);
  bool Serve(Options options, std::string* error) MOBULA_REQUIRES(strand_);

  // Events run one after the other; effects are carried out between them.
  void Handle(Event event) MOBULA_REQUIRES(strand_);
  void Drain() MOBULA_REQUIRES(strand_);
  void Commit() MOBULA_REQUIRES(strand_);  // effects_ of one step
  void OnDurable(std::uint64_t number) MOBULA_REQUIRES(strand_);
  void Release() MOBULA_REQUIRES(strand_);
  bool Listen(const base::ControlAddress& address, std::string* error)
      MOBULA_REQUIRES(strand_);
  void OpenDoor(Door::Options options) MOBULA_REQUIRES(strand_);
  // Of a peer on another machine: handles what it may say.
  void Hear(base::ProcessId peer, base::ControlMessage message)
      MOBULA_REQUIRES(strand_);
  void CarryOut(const Effect& effect) MOBULA_REQUIRES(strand_);
  void SetCoreTimer(base::BootTime at) MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  std::vector<base::ControlAddress> bound_;
  std::unique_ptr<ControlLog> log_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<Core> core_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<Door> door_ MOBULA_GUARDED_BY(strand_);
  std::unique_ptr<base::ControlServer> lines_ MOBULA_GUARDED_BY(strand_);
  CommitQueue queue_ MOBULA_GUARDED_BY(strand_);
  std::deque<Event> events_ MOBULA_GUARDED_BY(strand_);
  Effects effects_ MOBULA_GUARDED_BY(strand_);
  Effects released_ MOBULA_GUARDED_BY(strand_);
  bool runs_ MOBULA_GUARDED_BY(strand_) = false;
  bool paused_ MOBULA_GUARDED_BY(strand_) = false;
  base::Strand::TimerId timer_ MOBULA_GUARDED_BY(strand_) = 0;
  std::uint64_t durable_ MOBULA_GUARDED_BY(strand_) = 0;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_SERVER_SERVER_H_
