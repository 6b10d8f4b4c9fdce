#include "runtime/core/task_rows.h"

#include <chrono>
#include <iterator>
#include <map>

#include "base/check.h"

namespace mobula::runtime {
namespace {

// Keeps the largest; the others are one for each kind and state.
void Fold(std::vector<base::TaskCount>& counts) {
  constexpr std::size_t kRestMax = 15;  // kinds x states
  constexpr std::size_t kKept = base::kTaskCountsMax - kRestMax;
  if (counts.size() <= base::kTaskCountsMax) return;
  std::stable_sort(counts.begin(), counts.end(),
                   [](const base::TaskCount& a, const base::TaskCount& b) {
                     return a.count > b.count;
                   });
  std::map<std::pair<base::TaskKind, base::TaskState>, std::uint64_t> rest;
  for (std::size_t i = kKept; i < counts.size(); ++i) {
    rest[{counts[i].kind, counts[i].state}] += counts[i].count;
  }
  counts.resize(kKept);
  for (const auto& [what, count] : rest) {
    counts.push_back({what.first, what.second, "", count});
  }
  MOBULA_CHECK(counts.size() <= base::kTaskCountsMax);
}

}  // namespace

void TaskRows::Describe(const base::CallerScope* scope, base::BootTime deadline,
                        base::TaskRow& row) const {
  if (scope != nullptr) {
    row.trace = scope->trace;
    row.priority = scope->priority;
  }
  if (deadline.IsNever()) return;
  row.left_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now_)
          .count();
}

void TaskRows::Add(base::TaskRow row, base::BootTime since) {
  MOBULA_CHECK(rows_.size() < rows_max_);
  row.state_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now_ - since)
          .count();
  rows_.push_back(std::move(row));
}

void TaskRows::Count(base::TaskKind kind, base::TaskState state,
                     const std::string& function, std::size_t count) {
  if (count > 0) counts_.push_back({kind, state, function, count});
}

void TaskRows::CountByRows(base::TaskKind kind, base::TaskState state,
                           std::size_t count) {
  std::map<std::string, std::size_t> by_function;
  std::size_t left = count;
  for (const base::TaskRow& row : rows_) {
    if (row.kind != kind || row.state != state || left == 0) continue;
    ++by_function[row.function];
    --left;
  }
  for (const auto& [function, of_it] : by_function) {
    Count(kind, state, function, of_it);
  }
  Count(kind, state, "", left);
}

base::TasksAre TaskRows::Take(std::size_t total) {
  Fold(counts_);
  base::TasksAre all;
  all.left_out = total - std::min(total, rows_.size());
  all.rows = std::move(rows_);
  all.counts = std::move(counts_);
  return all;
}

std::vector<base::TasksAre> InParts(base::TasksAre all) {
  std::vector<base::TasksAre> parts;
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(all.rows.size(), at + base::kTaskRowsMax);
    base::TasksAre& part = parts.emplace_back();
    part.request = all.request;
    part.is_last = end == all.rows.size();
    const auto first = all.rows.begin();
    part.rows.assign(
        std::make_move_iterator(first + static_cast<std::ptrdiff_t>(at)),
        std::make_move_iterator(first + static_cast<std::ptrdiff_t>(end)));
    at = end;
  } while (at < all.rows.size());
  parts.back().counts = std::move(all.counts);
  parts.back().left_out = all.left_out;
  return parts;
}

}  // namespace mobula::runtime
