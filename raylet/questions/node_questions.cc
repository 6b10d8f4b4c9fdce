#include "raylet/questions/node_questions.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/check.h"
#include "base/failure.h"

namespace mobula::raylet {

using base::BootTime;
using base::ProcessId;

bool NodeQuestions::Admit(ProcessId tool, Out& out) const {
  const bool is_asking =
      std::any_of(questions_.begin(), questions_.end(),
                  [&](const auto& one) { return one.second.tool == tool; });
  if (!is_asking && questions_.size() < options_.questions_max) return true;
  base::QuestionRefused refused;
  refused.failure =
      base::NotRun(base::FailureCode::kLimit,
                   "this node answers " + std::to_string(questions_.size()) +
                       " such questions now; ask again when they are over");
  out.send.emplace_back(tool, std::move(refused));
  return false;
}

base::Message NodeQuestions::WordsOf(const Question& question,
                                     std::size_t processes) const {
  const std::size_t share =
      std::max(options_.rows_max / std::max<std::size_t>(processes, 1),
               options_.rows_of_process_min);
  const auto rows_max = static_cast<std::uint32_t>(share);
  if (!question.tasks) return base::ListRefs{question.request, rows_max};
  return base::ListOwnTasks{question.request,
                            std::min(rows_max, question.tasks->rows_max),
                            question.tasks->task};
}

void NodeQuestions::Ask(const Question& question,
                        const std::vector<ProcessId>& processes, BootTime now,
                        Out& out) {
  if (!Admit(question.tool, out)) return;
  const auto [it, is_new] = questions_.try_emplace(question.request);
  MOBULA_CHECK(is_new, "an id is never used again");
  Open& open = it->second;
  open.tool = question.tool;
  open.mark = question.mark;
  open.is_of_tasks = question.tasks.has_value();
  open.deadline = now + std::clamp(question.patience, options_.patience_min,
                                   options_.patience_max);
  open.rows_left = options_.rows_max;
  open.ids_left = options_.ids_max;
  const base::Message words = WordsOf(question, processes.size());
  for (const ProcessId process : processes) {
    if (!MayAsk(process)) {
      open.not_asked.insert(process);
      continue;
    }
    open.awaited.insert(process);
    unanswered_[process].push_back({question.request, now});
    out.send.emplace_back(process, words);
  }
  EndIfDone(it, now, out);
}

bool NodeQuestions::MayAsk(ProcessId process) const {
  const auto found = unanswered_.find(process);
  return found == unanswered_.end() ||
         found->second.size() < options_.unanswered_max;
}

void NodeQuestions::Said(ProcessId from, const base::RefsAre& refs,
                         BootTime now, Out& out) {
  const auto found =
      Answered(from, refs.request, refs.is_last, /*is_of_tasks=*/false);
  if (found == questions_.end()) return;
  PassOn(from, refs, found->second, out);
  if (refs.is_last) Finish(found, from, now, out);
}

void NodeQuestions::Said(ProcessId from, const base::TasksAre& tasks,
                         BootTime now, Out& out) {
  const auto found =
      Answered(from, tasks.request, tasks.is_last, /*is_of_tasks=*/true);
  if (found == questions_.end()) return;
  PassOn(from, tasks, found->second, out);
  if (tasks.is_last) Finish(found, from, now, out);
}

NodeQuestions::Questions::iterator NodeQuestions::Answered(
    ProcessId from, base::RequestId request, bool is_last, bool is_of_tasks) {
  const auto found = questions_.find(request);
  const bool is_open = found != questions_.end();
  if (is_open && found->second.is_of_tasks != is_of_tasks) {
    return questions_.end();
  }
  const auto asked = unanswered_.find(from);
  if (is_last && asked != unanswered_.end()) {
    std::erase_if(asked->second, [request](const Unanswered& one) {
      return one.request == request;
    });
    if (asked->second.empty()) unanswered_.erase(asked);
  }
  const bool is_awaited = is_open && found->second.awaited.contains(from);
  return is_awaited ? found : questions_.end();
}

void NodeQuestions::Finish(Questions::iterator question, ProcessId from,
                           BootTime now, Out& out) {
  question->second.awaited.erase(from);
  question->second.complete.insert(from);
  EndIfDone(question, now, out);
}

void NodeQuestions::PassOn(ProcessId from, base::TasksAre tasks, Open& question,
                           Out& out) {
  const std::size_t rows = std::min(tasks.rows.size(), question.rows_left);
  tasks.left_out += tasks.rows.size() - rows;
  tasks.rows.resize(rows);
  question.rows_left -= rows;
  out.send.emplace_back(question.tool, base::TaskPart{from, std::move(tasks)});
}

void NodeQuestions::PassOn(ProcessId from, base::RefsAre refs, Open& question,
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
void NodeQuestions::Cut(base::RefsAre& refs, Open& question) {
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

void NodeQuestions::Gone(ProcessId process, BootTime now, Out& out) {
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

void NodeQuestions::Tick(BootTime now, Out& out) {
  for (auto it = questions_.begin(); it != questions_.end();) {
    it = it->second.deadline <= now ? End(it, now, out) : std::next(it);
  }
}

void NodeQuestions::EndIfDone(Questions::iterator question, BootTime now,
                              Out& out) {
  if (question->second.awaited.empty()) End(question, now, out);
}

NodeQuestions::Questions::iterator NodeQuestions::End(
    Questions::iterator question, BootTime now, Out& out) {
  Open& open = question->second;
  Ended& ended = out.ended.emplace_back();
  ended.tool = open.tool;
  ended.mark = open.mark;
  ended.is_of_tasks = open.is_of_tasks;
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

BootTime NodeQuestions::NextDeadline() const {
  BootTime next = BootTime::Never();
  for (const auto& [request, question] : questions_) {
    next = std::min(next, question.deadline);
  }
  return next;
}

void NodeQuestions::CheckInvariants() const {
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
