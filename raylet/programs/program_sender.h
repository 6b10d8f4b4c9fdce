// ProgramSender gives the programs of this node's ProgramStore to other nodes
// that ask for them (WantProgram).
//
// A program is read part by part, one a turn of the strand, and only while the
// line to that node has little in its queue: so that neither many askers nor a
// slow one take memory. Who asks again for one that is on its way gets it from
// its beginning.
// Owner: Server.   Threading: everything on the strand given; callbacks run
// there.
// Failure: told to who asked, as ProgramLacking.
#ifndef MOBULA_RAYLET_PROGRAMS_PROGRAM_SENDER_H_
#define MOBULA_RAYLET_PROGRAMS_PROGRAM_SENDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/frames/node_message.h"
#include "base/ids.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "raylet/spawn/program_store.h"

namespace mobula::raylet {

class ProgramSender {
 public:
  struct Callbacks {
    std::function<void(base::NodeId node, base::NodeMessage)> tell;
    // Told to that node, and not on its way yet.
    std::function<std::size_t(base::NodeId node)> queued_bytes;
  };
  struct Limits {
    std::size_t at_once_max = 64;
    std::size_t queued_bytes_max = std::size_t{4} << 20;  // of a node
  };

  ProgramSender(base::Strand& strand, ProgramStore& store, Callbacks callbacks)
      : ProgramSender(strand, store, std::move(callbacks), Limits()) {}
  ProgramSender(base::Strand& strand, ProgramStore& store, Callbacks callbacks,
                Limits limits);
  ProgramSender(const ProgramSender&) = delete;
  ProgramSender& operator=(const ProgramSender&) = delete;

  void Serve(base::NodeId to, const std::string& hash);
  // The node is lost, or the line to it was given up.
  void CloseNode(base::NodeId node);

 private:
  using Key = std::pair<base::NodeId, std::string>;
  struct Going {
    std::uint64_t number = 0;  // never reused
    base::UniqueFd program;
    std::uint64_t byte_count = 0;
    std::uint64_t offset = 0;
  };

  // Null if it was asked for again since, or is over.
  Going* Find(const Key& key, std::uint64_t number) MOBULA_REQUIRES(strand_);
  void Opened(const Key& key, std::uint64_t number, ProgramStore::Opened opened)
      MOBULA_REQUIRES(strand_);
  void ContinueLater(const Key& key, std::uint64_t number)
      MOBULA_REQUIRES(strand_);
  void Continue(const Key& key, std::uint64_t number) MOBULA_REQUIRES(strand_);
  void TellLacking(const Key& key, std::string reason) MOBULA_REQUIRES(strand_);

  base::Strand& strand_;
  ProgramStore& store_;
  const Callbacks callbacks_;
  const Limits limits_;
  std::map<Key, Going> going_ MOBULA_GUARDED_BY(strand_);
  std::uint64_t numbers_ MOBULA_GUARDED_BY(strand_) = 0;
  // What waits in the strand and the store holds it weakly.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_PROGRAMS_PROGRAM_SENDER_H_
