#include "raylet/memory/memory_questions.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/check.h"
#include "base/failure.h"

namespace mobula::raylet {

using base::BootTime;
using base::ProcessId;

void MemoryQuestions::Ask(const Question& question,
                          const std::vector<ProcessId>& processes, BootTime now,
                          Out& out) {
  const bool is_asking = std::any_of(
      questions_.begin(), questions_.end(),
      [&](const auto& one) { return one.second.tool == question.tool; });
  if (is_asking || questions_.size() >= options_.questions_max) {
    base::MemoryRefused refused;
    refused.failure =
        base::NotRun(base::FailureCode::kLimit,
                     "this node answers " + std::to_string(questions_.size()) +
                         " such questions now; ask again when they are over");
    out.send.emplace_back(question.tool, std::move(refused));
    return;
  }
  const auto [it, is_new] = questions_.try_emplace(question.request);
  MOBULA_CHECK(is_new, "an id is never used again");
  Open& open = it->second;
  open.tool = question.tool;
  open.mark = question.mark;
  open.deadline = now + std::clamp(question.patience, options_.patience_min,
                                   options_.patience_max);
  open.rows_left = options_.rows_max;
  open.ids_left = options_.ids_max;
  const std::size_t share =
      options_.rows_max / std::max<std::size_t>(processes.size(), 1);
  const base::ListRefs list{question.request,
                            static_cast<std::uint32_t>(
                                std::max(share, options_.rows_of_process_min))};
  for (const ProcessId process : processes) {
    if (!MayAsk(process)) {
      open.not_asked.insert(process);
      continue;
    }
    open.awaited.insert(process);
    unanswered_[process].push_back({question.request, now});
    out.send.emplace_back(process, list);
  }
  EndIfDone(it, now, out);
}

bool MemoryQuestions::MayAsk(ProcessId process) const {
  const auto found = unanswered_.find(process);
  return found == unanswered_.end() ||
         found->second.size() < options_.unanswered_max;
}

void MemoryQuestions::Said(ProcessId from, const base::RefsAre& refs,
                           BootTime now, Out& out) {
  if (refs.is_last) Answered(from, refs.request);
  const auto found = questions_.find(refs.request);
  if (found == questions_.end() || !found->second.awaited.contains(from)) {
    return;
  }
  PassOn(from, refs, found->second, out);
  if (!refs.is_last) return;
  found->second.awaited.erase(from);
  found->second.complete.insert(from);
  EndIfDone(found, now, out);
}

void MemoryQuestions::Answered(ProcessId process, base::RequestId request) {
  const auto found = unanswered_.find(process);
  if (found == unanswered_.end()) return;
  std::erase_if(found->second, [request](const Unanswered& one) {
    return one.request == request;
  });
  if (found->second.empty()) unanswered_.erase(found);
}

void MemoryQuestions::PassOn(ProcessId from, base::RefsAre refs, Open& question,
                             Out& out) {
  const std::size_t actors = std::min(refs.actors.size(), question.rows_left);
  refs.actors_left_out += refs.actors.size() - actors;
  refs.actors.resize(actors);
  question.rows_left -= actors;
  const std::size_t objects = std::min(refs.objects.size(), question.rows_left);
  refs.objects_left_out += refs.objects.size() - objects;
  for (std::size_t i = objects; i < refs.objects.size(); ++i) {
    refs.bytes_left_out += refs.objects[i].byte_count;
  }
  refs.objects.resize(objects);
  question.rows_left -= objects;
  Cut(refs, question);
  out.send.emplace_back(question.tool, base::MemoryPart{from, std::move(refs)});
}

// Rows go without the ids for which there is no room.
void MemoryQuestions::Cut(base::RefsAre& refs, Open& question) {
  for (base::HeldActor& actor : refs.actors) {
    if (actor.arguments.size() > question.ids_left) actor.arguments.clear();
    question.ids_left -= actor.arguments.size();
  }
  for (base::HeldObject& row : refs.objects) {
    const std::size_t ids = row.lent.size() + row.inside.size();
    if (ids <= question.ids_left) {
      question.ids_left -= ids;
      continue;
    }
    row.left_out += ids;
    row.lent.clear();
    row.inside.clear();
  }
}

void MemoryQuestions::Gone(ProcessId process, BootTime now, Out& out) {
  unanswered_.erase(process);
  for (auto it = questions_.begin(); it != questions_.end();) {
    const auto question = it++;
    if (question->second.tool == process) {
      questions_.erase(question);
      continue;
    }
    question->second.not_asked.erase(process);
    if (question->second.awaited.erase(process) > 0) {
      EndIfDone(question, now, out);
    }
  }
}

void MemoryQuestions::Tick(BootTime now, Out& out) {
  for (auto it = questions_.begin(); it != questions_.end();) {
    it = it->second.deadline <= now ? End(it, now, out) : std::next(it);
  }
}

void MemoryQuestions::EndIfDone(Questions::iterator question, BootTime now,
                                Out& out) {
  if (question->second.awaited.empty()) End(question, now, out);
}

MemoryQuestions::Questions::iterator MemoryQuestions::End(
    Questions::iterator question, BootTime now, Out& out) {
  Open& open = question->second;
  Ended& ended = out.ended.emplace_back();
  ended.tool = open.tool;
  ended.mark = open.mark;
  ended.complete = std::move(open.complete);
  open.awaited.merge(open.not_asked);
  for (const ProcessId process : open.awaited) {
    const auto asked = unanswered_.find(process);
    ended.silent[process] = asked == unanswered_.end()
                                ? base::Duration::zero()
                                : now - asked->second.front().since;
  }
  return questions_.erase(question);
}

BootTime MemoryQuestions::NextDeadline() const {
  BootTime next = BootTime::Never();
  for (const auto& [request, question] : questions_) {
    next = std::min(next, question.deadline);
  }
  return next;
}

void MemoryQuestions::CheckInvariants() const {
  MOBULA_CHECK(questions_.size() <= options_.questions_max);
  std::set<ProcessId> tools;
  for (const auto& [request, question] : questions_) {
    MOBULA_CHECK(tools.insert(question.tool).second);
    MOBULA_CHECK(!question.awaited.empty());
    MOBULA_CHECK(question.rows_left <= options_.rows_max);
    for (const ProcessId process : question.awaited) {
      MOBULA_CHECK(unanswered_.contains(process));
    }
  }
  for (const auto& [process, asked] : unanswered_) {
    MOBULA_CHECK(!asked.empty() && asked.size() <= options_.unanswered_max);
  }
}

}  // namespace mobula::raylet
