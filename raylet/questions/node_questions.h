// NodeQuestions are the questions of tools that all processes of this node have
// a part in: who refers to what, and what they have asked for that is not done.
// It asks each of them and passes on what they say.
//
//   Ask -> each process is asked (ListRefs, ListOwnTasks) -> its parts are
//       passed on (MemoryPart, TaskPart) -> all have said the last of theirs,
//       or the deadline --> Ended: who was silent, and since when
// A process that does not answer, or has more to say than there is time for,
// holds nobody up. One that leaves many questions without an answer is not
// asked again before it has answered; it is silent at once.
// Owner: raylet::Core, which says the rest and the end.   Threading: none.
// Invariants: (1) no more questions at once than questions_max, and one a tool;
// (2) no more rows of one than rows_max are passed on, and ids in them than
// ids_max; the others are counted;
// (3) each question ends once, at its deadline at the latest, or with its tool;
// (4) a process is asked no more than unanswered_max questions that it has not
// answered.
// Failure: one question too many is refused; what nobody asked is ignored.
#ifndef MOBULA_RAYLET_QUESTIONS_NODE_QUESTIONS_H_
#define MOBULA_RAYLET_QUESTIONS_NODE_QUESTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"

namespace mobula::raylet {

class NodeQuestions {
 public:
  struct Options {
    std::size_t questions_max = 4;
    std::size_t rows_max = 100'000;   // objects, actors, tasks of one question
    std::size_t ids_max = 1'000'000;  // within those
    std::size_t rows_of_process_min = 500;
    std::size_t unanswered_max = 8;
    base::Duration patience_min = std::chrono::milliseconds(10);
    base::Duration patience_max = std::chrono::seconds(30);
  };
  using ProcessId = base::ProcessId;
  struct Question {
    ProcessId tool;
    base::RequestId request;  // new
    base::Duration patience;
    std::uint64_t mark = 0;  // the asker's own, given back
    // What is asked of tasks; else it is who refers to what.
    std::optional<base::ListTasks> tasks = std::nullopt;
  };
  struct Ended {
    ProcessId tool;
    std::uint64_t mark = 0;
    bool is_of_tasks = false;
    std::set<ProcessId> complete;  // they have said all
    // Since they were asked first something that they have not answered.
    std::map<ProcessId, base::Duration> silent;
  };
  // What is to be done; the methods append.
  struct Out {
    std::vector<std::pair<ProcessId, base::Message>> send;
    std::vector<Ended> ended;
  };

  explicit NodeQuestions(Options options) : options_(options) {}

  void Ask(const Question& question, const std::vector<ProcessId>& processes,
           base::BootTime now, Out& out);
  void Said(ProcessId from, const base::RefsAre& refs, base::BootTime now,
            Out& out);
  void Said(ProcessId from, const base::TasksAre& tasks, base::BootTime now,
            Out& out);
  // A process or a tool has ended.
  void Gone(ProcessId process, base::BootTime now, Out& out);
  void Tick(base::BootTime now, Out& out);

  [[nodiscard]] base::BootTime NextDeadline() const;
  [[nodiscard]] std::size_t size() const { return questions_.size(); }
  void CheckInvariants() const;

 private:
  struct Open {
    ProcessId tool;
    std::uint64_t mark = 0;
    bool is_of_tasks = false;
    base::BootTime deadline;
    std::size_t rows_left = 0;
    std::size_t ids_left = 0;
    std::set<ProcessId> awaited;
    std::set<ProcessId> not_asked;
    std::set<ProcessId> complete;
  };
  struct Unanswered {
    base::RequestId request;
    base::BootTime since;
  };
  using Questions = std::map<base::RequestId, Open>;

  // False, and the tool is told so, if there are too many.
  bool Admit(ProcessId tool, Out& out) const;
  // What each of so many processes is asked.
  [[nodiscard]] base::Message WordsOf(const Question& question,
                                      std::size_t processes) const;
  [[nodiscard]] bool MayAsk(ProcessId process) const;
  // The open question to which this is an answer, or the end.
  Questions::iterator Answered(ProcessId from, base::RequestId request,
                               bool is_last, bool is_of_tasks);
  void Finish(Questions::iterator question, ProcessId from, base::BootTime now,
              Out& out);
  static void Cut(base::RefsAre& refs, Open& question);
  static void PassOn(ProcessId from, base::RefsAre refs, Open& question,
                     Out& out);
  static void PassOn(ProcessId from, base::TasksAre tasks, Open& question,
                     Out& out);
  void EndIfDone(Questions::iterator question, base::BootTime now, Out& out);
  Questions::iterator End(Questions::iterator question, base::BootTime now,
                          Out& out);

  const Options options_;
  Questions questions_;
  std::map<ProcessId, std::deque<Unanswered>> unanswered_;  // never empty
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_QUESTIONS_NODE_QUESTIONS_H_
