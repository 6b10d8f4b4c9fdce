// FrontDoor lets drivers and tools in: through the node's socket, or over one
// that a driver made (the embedded head).
//
//   accepted --the user is ours--> silent --Hello--> in --Close | it ends-->
//   out
//            --another user--> refused   --silence_max--> refused
// Who is in is known by the process id of its Hello; one that is in already is
// refused. While guests_max are here nobody else is accepted, and a flood waits
// in the kernel.
// Owner: Server.   Threading: everything on the strand given; callbacks run
// there and may Send and Close.
// Invariants: (1) on_open comes first and on_closed last, once a guest; after
// Close there is no on_closed; (2) at most guests_max links are open.
// Failure: Listen says why not; a link that cannot be had is logged.
#ifndef MOBULA_RAYLET_SERVER_FRONT_DOOR_H_
#define MOBULA_RAYLET_SERVER_FRONT_DOOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/sockets/acceptor.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

class FrontDoor {
 public:
  struct Options {
    base::ProcessId self;
    std::size_t guests_max = 1024;
    base::Duration silence_max = std::chrono::seconds(3);
  };
  struct Callbacks {
    std::function<void(base::ProcessId guest, base::Role role)> on_open;
    std::function<void(base::ProcessId guest, base::Message message,
                       base::UniqueFd fd)>
        on_message;
    // Also of one that never said who it was: nil.
    std::function<void(base::ProcessId guest, const std::string& reason)>
        on_closed;
  };

  FrontDoor(base::Strand& strand, Options options, Callbacks callbacks);
  ~FrontDoor();
  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;

  // Serves the socket `path` (0600), which is made anew. False, and why.
  [[nodiscard]] bool Listen(const std::string& path, std::string* error);
  // A connection that was handed to us; it may be silent for as long as it
  // likes.
  void Adopt(base::UniqueFd socket);

  [[nodiscard]] bool Has(base::ProcessId guest) const;
  void Send(base::ProcessId guest, const base::Message& message,
            base::UniqueFd fd = base::UniqueFd());
  [[nodiscard]] std::size_t QueuedBytes(base::ProcessId guest) const;
  // What was sent before is written, as far as the socket takes it.
  void Close(base::ProcessId guest);
  void CloseAll();

 private:
  struct Guest {
    std::unique_ptr<base::Link> link;
    base::ProcessId process;  // nil while it is silent
    base::Strand::TimerId silence = 0;
  };

  void LetIn(base::UniqueFd socket) MOBULA_REQUIRES(strand_);
  void Open(base::UniqueFd socket, bool may_be_silent) MOBULA_REQUIRES(strand_);
  void OnOpen(std::uint64_t number, base::ProcessId process, base::Role role)
      MOBULA_REQUIRES(strand_);
  void OnClosed(std::uint64_t number, const std::string& reason)
      MOBULA_REQUIRES(strand_);
  void Drop(std::uint64_t number) MOBULA_REQUIRES(strand_);
  [[nodiscard]] base::Link* Find(base::ProcessId guest) const
      MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  const Options options_;
  const Callbacks callbacks_;
  base::Acceptor acceptor_ MOBULA_GUARDED_BY(strand_);
  std::uint64_t next_number_ MOBULA_GUARDED_BY(strand_) = 1;
  std::map<std::uint64_t, Guest> guests_ MOBULA_GUARDED_BY(strand_);
  std::map<base::ProcessId, std::uint64_t> by_process_
      MOBULA_GUARDED_BY(strand_);
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_FRONT_DOOR_H_
