// TaskRows gathers what a process says of what it has asked for and is not done
// yet, of which there may be millions: rows up to a bound, and how many there
// are of what.
//
//   TaskRows rows(list.rows_max, now);
//   rows.Begin();  while (...) { if (!rows.Look()) break;  rows.Add(row); }
//   rows.Count(kind, state, function, count);  // has them counted
//   base::TasksAre all = rows.Take(total);
// Owner: runtime::Owner, for one step.   Threading: none; pure.
// Invariants: no more rows than rows_max and kRowsMax; between two Begins no
// more is looked at than kLooksMax.
#ifndef MOBULA_RUNTIME_CORE_TASK_ROWS_H_
#define MOBULA_RUNTIME_CORE_TASK_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/boot_time.h"
#include "base/frames/task_message.h"
#include "base/scheduling/call_scope.h"

namespace mobula::runtime {

class TaskRows {
 public:
  static constexpr std::size_t kRowsMax = 10'000;
  static constexpr std::size_t kLooksMax = 20'000;

  TaskRows(std::size_t rows_max, base::BootTime now)
      : rows_max_(std::min(rows_max, kRowsMax)), now_(now) {}

  // One table goes through what it has in one state.
  void Begin() { looks_ = 0; }
  // It looks at one more; false: that is enough.
  [[nodiscard]] bool Look() {
    return rows_.size() < rows_max_ && looks_++ < kLooksMax;
  }
  // The same where no row is to come of it.
  [[nodiscard]] bool LookOn() { return looks_++ < kLooksMax; }
  [[nodiscard]] std::size_t room() const { return rows_max_ - rows_.size(); }
  // Says in the row under which scope, null if a usual one, it was asked for,
  // and how long it has until that deadline.
  void Describe(const base::CallerScope* scope, base::BootTime deadline,
                base::TaskRow& row) const;
  // `since`: it is in its state.
  void Add(base::TaskRow row, base::BootTime since);

  void Count(base::TaskKind kind, base::TaskState state,
             const std::string& function, std::size_t count);
  // Of that many those that have rows are counted by function.
  void CountByRows(base::TaskKind kind, base::TaskState state,
                   std::size_t count);

  // All rows and counts; `total` is how many there are.
  base::TasksAre Take(std::size_t total);

 private:
  const std::size_t rows_max_;
  const base::BootTime now_;
  std::size_t looks_ = 0;
  std::vector<base::TaskRow> rows_;
  std::vector<base::TaskCount> counts_;
};

// Messages of bounded size. The last one says what `all` says beside its rows.
std::vector<base::TasksAre> InParts(base::TasksAre all);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_CORE_TASK_ROWS_H_
