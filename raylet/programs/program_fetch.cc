#include "raylet/programs/program_fetch.h"

#include <utility>
#include <variant>

#include "base/check.h"

namespace mobula::raylet {

namespace {

using base::NodeId;

// One for each time that it was asked for while the line was slow.
constexpr int kBeginningsMax = 16;

}  // namespace

ProgramFetch::ProgramFetch(base::Strand& strand, ProgramStore& store,
                           TellFn tell, Limits limits)
    : strand_(strand), store_(store), tell_(std::move(tell)), limits_(limits) {
  MOBULA_CHECK(tell_ && limits_.at_once_max > 0);
}

ProgramFetch::~ProgramFetch() {
  strand_.AssertHeld();
  for (const auto& [hash, coming] : fetches_) {
    if (coming.timer != 0) strand_.Cancel(coming.timer);
  }
}

void ProgramFetch::Fetch(NodeId from, const std::string& hash, DoneFn done) {
  strand_.AssertHeld();
  if (!ProgramStore::IsHash(hash)) {
    return Refuse(std::move(done),
                  "'" + hash + "' is not the hash of a program");
  }
  if (waiting_count_ >= limits_.waiting_max) {
    return Refuse(std::move(done),
                  std::to_string(waiting_count_) +
                      " wait for programs of other nodes already; try again");
  }
  Coming& coming = fetches_[hash];
  if (coming.waiters.empty()) coming.from = from;
  coming.waiters.push_back({from, std::move(done)});
  ++waiting_count_;
  AskMore();
}

void ProgramFetch::Refuse(DoneFn done, std::string reason) {
  const std::weak_ptr<const bool> alive = alive_;
  strand_.Post([alive, done = std::move(done), reason = std::move(reason)] {
    if (!alive.expired()) done(reason);
  });
}

void ProgramFetch::AskMore() {
  for (auto& [hash, coming] : fetches_) {
    if (asked_count_ >= limits_.at_once_max) return;
    if (!coming.is_asked) Ask(hash, coming);
  }
}

void ProgramFetch::Ask(const std::string& hash, Coming& coming) {
  coming.is_asked = true;
  ++asked_count_;
  coming.heard_at = strand_.Now();
  SetTimer(hash, coming);
  tell_(coming.from, base::WantProgram{hash});
}

// One timer, which looks when the last part came.
void ProgramFetch::SetTimer(const std::string& hash, Coming& coming) {
  coming.timer =
      strand_.PostAt(coming.heard_at + limits_.patience, [this, hash] {
        strand_.AssertHeld();
        Coming& late = fetches_.at(hash);
        late.timer = 0;
        if (strand_.Now() - late.heard_at < limits_.patience) {
          return SetTimer(hash, late);
        }
        const auto seconds =
            std::chrono::duration_cast<std::chrono::seconds>(limits_.patience);
        End(hash,
            "nothing of it came for " + std::to_string(seconds.count()) + " s");
      });
}

bool ProgramFetch::Take(NodeId from, const base::NodeMessage& message) {
  strand_.AssertHeld();
  if (const auto* part = std::get_if<base::ProgramPart>(&message)) {
    TakePart(from, *part);
    return true;
  }
  if (const auto* lacking = std::get_if<base::ProgramLacking>(&message)) {
    if (Find(from, lacking->program) != nullptr) {
      End(lacking->program,
          lacking->reason.empty() ? "it has no such program" : lacking->reason);
    }
    return true;
  }
  return false;
}

ProgramFetch::Coming* ProgramFetch::Find(NodeId from, const std::string& hash) {
  const auto found = fetches_.find(hash);
  if (found == fetches_.end()) return nullptr;
  Coming& coming = found->second;
  return coming.is_asked && coming.from == from ? &coming : nullptr;
}

void ProgramFetch::TakePart(NodeId from, const base::ProgramPart& part) {
  Coming* const coming = Find(from, part.program);
  if (coming == nullptr) return;
  // Of an earlier time that it was asked for, as what comes until it begins
  // once more.
  if (coming->arrival == nullptr && part.offset != 0) return;
  std::string reason = Add(part, *coming);
  if (reason.empty()) {
    coming->heard_at = strand_.Now();
    if (coming->arrival->size() < coming->byte_count) return;
    reason = coming->arrival->Keep();
  }
  End(part.program, reason);
}

std::string ProgramFetch::Add(const base::ProgramPart& part, Coming& coming) {
  if (part.offset == 0) {
    if (++coming.beginnings > kBeginningsMax) return "it begins again for ever";
    coming.arrival.reset();
    if (part.byte_count > limits_.program_bytes_max) {
      return "it has " + std::to_string(part.byte_count) +
             " bytes; the limit is " +
             std::to_string(limits_.program_bytes_max);
    }
    std::string reason;
    coming.byte_count = part.byte_count;
    coming.arrival = store_.Receive(part.program, part.byte_count, &reason);
    if (coming.arrival == nullptr) return reason;
  }
  const std::uint64_t size = coming.arrival->size();
  const bool is_next = part.offset == size &&
                       part.byte_count == coming.byte_count &&
                       part.bytes.size() <= coming.byte_count - size &&
                       (!part.bytes.empty() || coming.byte_count == 0);
  if (!is_next) return "a part of it came that is not the next one";
  return coming.arrival->Add(part.bytes.view());
}

// Those that wait for their turn first: it must not be asked for them.
void ProgramFetch::CloseNode(NodeId node) {
  strand_.AssertHeld();
  std::vector<std::string> lost;
  for (const bool is_asked : {false, true}) {
    for (const auto& [hash, coming] : fetches_) {
      if (coming.from == node && coming.is_asked == is_asked) {
        lost.push_back(hash);
      }
    }
  }
  for (const std::string& hash : lost) {
    const auto found = fetches_.find(hash);
    if (found != fetches_.end() && found->second.from == node) {
      End(hash, "the node was lost before all of it had come");
    }
  }
}

// Who named another node goes on with that one.
void ProgramFetch::End(const std::string& hash, const std::string& reason) {
  auto node = fetches_.extract(hash);
  MOBULA_CHECK(!node.empty());
  Coming ended = std::move(node.mapped());
  ended.arrival.reset();
  if (ended.timer != 0) strand_.Cancel(ended.timer);
  if (ended.is_asked) --asked_count_;
  waiting_count_ -= ended.waiters.size();
  const std::string said = reason.empty()
                               ? ""
                               : "the program " + node.key() +
                                     " could not be fetched from node " +
                                     ended.from.ToString() + ": " + reason;
  std::vector<DoneFn> over;
  for (Waiter& waiter : ended.waiters) {
    if (said.empty() || waiter.from == ended.from) {
      over.push_back(std::move(waiter.done));
    } else {
      Fetch(waiter.from, node.key(), std::move(waiter.done));
    }
  }
  AskMore();
  const std::weak_ptr<const bool> alive = alive_;
  for (const DoneFn& done : over) {
    if (alive.expired()) return;
    done(said);
  }
}

}  // namespace mobula::raylet
