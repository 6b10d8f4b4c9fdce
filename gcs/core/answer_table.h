// AnswerTable remembers how mutations were answered, so that one that is asked
// again, with the same id, is answered again and not done again, also after the
// control store was killed: an answer is written with its change.
//
// An answer is forgotten when its process says that it has it (done_below),
// when the process' node is dead, and beyond answers_max, oldest first.
// Refusals are not remembered: they changed nothing.
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) at most answers_max answers; (2) one for each request.
// Failure: none.
#ifndef MOBULA_GCS_CORE_ANSWER_TABLE_H_
#define MOBULA_GCS_CORE_ANSWER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/control/control_request.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

struct AnswerRecord {
  std::uint64_t ordinal = 0;  // in the order of all answers
  base::NodeId node;          // of the process that asked; nil: of none
  base::ControlReply reply;   // not a Failure, of a mutation
};

std::string EncodeAnswer(const AnswerRecord& answer);
[[nodiscard]] bool DecodeAnswer(std::string_view bytes, AnswerRecord* answer,
                                std::string* error);

class AnswerTable {
 public:
  explicit AnswerTable(std::size_t answers_max) : answers_max_(answers_max) {}

  // False, and why, if it contradicts another.
  [[nodiscard]] bool Restore(base::ProcessId process, base::RequestId request,
                             const AnswerRecord& answer, std::string* error);

  // After the last.
  void Start(Effects& effects) { ForgetOldest(effects); }

  // Null if it was not asked, or forgotten.
  [[nodiscard]] const base::ControlReply* Find(base::ProcessId process,
                                               base::RequestId request) const;
  // CHECKs: there is none yet. `node`: from which it came.
  void Add(const base::ControlCall& call, base::NodeId node,
           base::ControlReply reply, Effects& effects);
  // The process has had its answers to all requests with a lower `lo`.
  void Trim(base::ProcessId process, std::uint64_t done_below,
            Effects& effects);
  void ForgetNode(base::NodeId node, Effects& effects);
  void ForgetProcess(base::ProcessId process, Effects& effects);

  [[nodiscard]] std::size_t size() const { return answers_.size(); }
  void CheckInvariants() const;

 private:
  using Key = std::pair<base::ProcessId, base::RequestId>;

  void ForgetOldest(Effects& effects);
  void Forget(const Key& key, Effects& effects);

  const std::size_t answers_max_;
  std::uint64_t ordinal_ = 0;
  std::map<Key, AnswerRecord> answers_;
  std::map<std::uint64_t, Key> by_age_;  // by ordinal
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_ANSWER_TABLE_H_
