// The part of Core that answers tools what all processes of the node have a
// part in: who refers to what, and what they have asked for.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {
namespace {

// Of objects of the raylet's own, and of the store: more are only counted.
constexpr std::size_t kRowsMax = 100'000;
constexpr std::size_t kIdsMax = 300'000;  // in the first

// Calls each(part), with at most kRefRowsMax of the rows in each.
template <class Row, class F>
void InParts(std::vector<Row>& rows, F&& each) {
  for (std::size_t at = 0; at < rows.size(); at += base::kRefRowsMax) {
    const std::size_t end = std::min(rows.size(), at + base::kRefRowsMax);
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last = rows.begin() + static_cast<std::ptrdiff_t>(end);
    each(std::vector<Row>(std::make_move_iterator(first),
                          std::make_move_iterator(last)));
  }
}

}  // namespace

void Core::OnListMemory(ProcessId from, const base::ListMemory& message) {
  NodeQuestions::Question question;
  question.tool = from;
  question.patience = std::chrono::milliseconds(message.patience_ms);
  question.mark = store_.stored().arrivals();
  AskProcesses(question);
}

void Core::OnListTasks(ProcessId from, const base::ListTasks& message) {
  NodeQuestions::Question question;
  question.tool = from;
  question.patience = std::chrono::milliseconds(message.patience_ms);
  question.tasks = message;
  AskProcesses(question);
}

void Core::AskProcesses(NodeQuestions::Question question) {
  std::vector<ProcessId> processes;
  for (const auto& [process, peer] : peers_) {
    const bool is_ours = peer.node.IsNil();
    if (is_ours && IsReachable(process)) processes.push_back(process);
  }
  question.request = ids_.Next<base::RequestId>();
  NodeQuestions::Out out;
  questions_.Ask(question, processes, now_, out);
  Flush(out);
}

void Core::Flush(NodeQuestions::Out& out) {
  // A tool has not registered: it has a link and nothing else.
  for (auto& [to, message] : out.send) {
    effects_->emplace_back(Send{to, std::move(message)});
  }
  for (const NodeQuestions::Ended& ended : out.ended) {
    if (ended.is_of_tasks) {
      EndListTasks(ended);
    } else {
      EndListMemory(ended);
    }
  }
}

void Core::EndListMemory(const NodeQuestions::Ended& ended) {
  base::MemoryListed listed;
  TellHeld(ended.tool);
  TellStored(ended.tool, ended.mark, listed);
  listed.node = options_.node;
  listed.node_name = options_.node_name;
  listed.store = DescribeStore();
  listed.processes = Describe(ended);
  effects_->emplace_back(Send{ended.tool, std::move(listed)});
}

void Core::EndListTasks(const NodeQuestions::Ended& ended) {
  base::TasksListed listed;
  listed.node = options_.node;
  listed.node_name = options_.node_name;
  listed.processes = Describe(ended);
  for (const base::AskedProcess& one : listed.processes) {
    const Lease* const lease = ledger_.FindOfWorker(one.process);
    if (lease != nullptr && lease->blocked) {
      listed.blocked.push_back(one.process);
    }
  }
  effects_->emplace_back(Send{ended.tool, std::move(listed)});
}

std::vector<base::AskedProcess> Core::Describe(
    const NodeQuestions::Ended& ended) const {
  std::vector<base::AskedProcess> all = {Describe(options_.self)};
  for (const auto& [process, peer] : peers_) {
    if (!peer.node.IsNil()) continue;
    base::AskedProcess& one = all.emplace_back(Describe(process));
    one.is_complete = ended.complete.contains(process);
    const auto silent = ended.silent.find(process);
    if (silent == ended.silent.end()) continue;
    one.silent_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(silent->second)
            .count();
  }
  return all;
}

// What the raylet owns itself.
void Core::TellHeld(ProcessId tool) {
  std::vector<base::HeldObject> held = store_.Held();
  base::RefsAre rest;
  for (std::size_t i = kRowsMax; i < held.size(); ++i) {
    rest.bytes_left_out += held[i].byte_count;
    ++rest.objects_left_out;
  }
  held.resize(std::min(held.size(), kRowsMax));
  std::size_t room = kIdsMax;
  for (base::HeldObject& row : held) {
    const std::size_t told = std::min(row.lent.size(), room);
    row.left_out = row.lent.size() - told;
    row.lent.resize(told);
    room -= told;
  }
  InParts(held, [&](std::vector<base::HeldObject> rows) {
    base::RefsAre part;
    part.objects = std::move(rows);
    part.is_last = false;
    effects_->emplace_back(
        Send{tool, base::MemoryPart{options_.self, std::move(part)}});
  });
  effects_->emplace_back(
      Send{tool, base::MemoryPart{options_.self, std::move(rest)}});
}

void Core::TellStored(ProcessId tool, std::uint64_t mark,
                      base::MemoryListed& listed) {
  const StoredObjects& stored = store_.stored();
  std::vector<base::StoredRow> rows = store_.Rows(kRowsMax);
  listed.stored_left_out = stored.size() - rows.size();
  listed.stored_bytes_left_out = stored.bytes();
  for (base::StoredRow& row : rows) {
    MOBULA_CHECK(listed.stored_bytes_left_out >= row.copies.byte_count);
    listed.stored_bytes_left_out -= row.copies.byte_count;
    row.is_new = stored.CameAfter(row.object.object, mark);
  }
  InParts(rows, [&](std::vector<base::StoredRow> part) {
    effects_->emplace_back(Send{tool, base::StorePart{std::move(part)}});
  });
}

base::AskedProcess Core::Describe(ProcessId process) const {
  base::AskedProcess one;
  one.process = process;
  const auto peer = peers_.find(process);
  if (peer == peers_.end()) {
    one.role = "raylet";
    one.is_complete = true;
    one.pid = options_.pid;
    return one;
  }
  one.job = peer->second.job;
  one.pid = peer->second.pid;
  if (peer->second.role == base::Role::kDriver) {
    one.role = "driver";
    const std::string& program = peer->second.program;
    one.name = program.substr(program.rfind('/') + 1);
    return one;
  }
  one.role = "worker";
  const Worker* const worker = workers_.Find(process);
  if (worker != nullptr) one.pid = worker->pid;
  const Lease* const lease = ledger_.FindOfWorker(process);
  if (lease == nullptr) return one;
  one.name = lease->function;
  one.is_actor = lease->for_actor;
  return one;
}

base::StoreInfo Core::DescribeStore() const {
  const ArenaTable& arenas = store_.arenas();
  base::StoreInfo info;
  info.node = options_.node;
  info.bytes_max = arenas.bytes_max();
  info.bytes_used = arenas.charged_bytes() - arenas.warm_bytes();
  info.spilled_bytes = arenas.spilled_bytes();
  info.remade = store_.remade();
  info.differing = store_.differing();
  info.file_bytes = store_.disks().file_bytes;
  info.disk_trouble = store_.disks().wrong;
  return info;
}

}  // namespace mobula::raylet
