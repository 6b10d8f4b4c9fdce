#include "runtime/memory/fake_store.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/failure.h"
#include "base/shm/extent_header.h"
#include "base/shm/extent_size.h"

namespace mobula::runtime {

using base::ArenaId;
using base::FailureCode;

FakeStore::FakeStore(const Options& options)
    : options_(options), ids_(7), arenas_max_(options.arenas_max) {}

void FakeStore::Hear(const base::Message& message, const ReplyFn& reply) {
  Replies replies;
  {
    base::MutexLock lock(mutex_);
    if (const auto* m = std::get_if<base::LeaseArena>(&message)) {
      waiting_.push_back(*m);
    } else if (const auto* m = std::get_if<base::CancelArena>(&message)) {
      std::erase_if(waiting_, [m](const base::LeaseArena& request) {
        return request.request == m->request;
      });
      const auto leased = leased_to_.find(m->request);
      if (leased != leased_to_.end()) arenas_.erase(leased->second);
    } else if (const auto* m = std::get_if<base::ReturnArena>(&message)) {
      MOBULA_CHECK(arenas_.erase(m->arena) == 1, "not leased");
    } else if (const auto* m = std::get_if<base::ArenaQuiet>(&message)) {
      if (m->quiet) arenas_.erase(m->arena);
    } else if (const auto* m = std::get_if<base::OpenArena>(&message)) {
      Open(m->arena, replies);
    } else if (const auto* m = std::get_if<base::PullValue>(&message)) {
      Pull(*m, replies);
    }
    Serve(replies);
  }
  for (auto& [answer, fd] : replies) reply(std::move(answer), std::move(fd));
}

void FakeStore::SetArenasMax(std::size_t arenas_max, const ReplyFn& reply) {
  Replies replies;
  {
    base::MutexLock lock(mutex_);
    arenas_max_ = arenas_max;
    Serve(replies);
  }
  for (auto& [answer, fd] : replies) reply(std::move(answer), std::move(fd));
}

void FakeStore::Serve(Replies& replies) {
  while (!waiting_.empty()) {
    const base::LeaseArena request = waiting_.front();
    if (request.byte_count > options_.value_bytes_max) {
      replies.emplace_back(
          base::ArenaRefused{request.request,
                             base::NotRun(FailureCode::kTooLarge, "too large")},
          base::UniqueFd());
    } else if (arenas_.size() < arenas_max_) {
      Lease(request, replies);
    } else {
      return;
    }
    waiting_.pop_front();
  }
}

void FakeStore::Lease(const base::LeaseArena& request, Replies& replies) {
  std::string error;
  auto file = base::ArenaFile::Make(
      std::max(options_.arena_bytes, base::PlaceBytes(request.byte_count)),
      &error);
  MOBULA_CHECK(file.has_value()) << error;
  const auto arena = ids_.Next<ArenaId>();
  base::UniqueFd fd;
  if (!options_.loses_descriptors) fd = file->Writable(&error);
  replies.emplace_back(
      base::ArenaLeased{request.request, arena, file->byte_count()},
      std::move(fd));
  arenas_[arena] = std::make_unique<base::ArenaFile>(*std::move(file));
  leased_to_[request.request] = arena;
}

void FakeStore::Open(ArenaId arena, Replies& replies) {
  ++opened_count_;
  if (!options_.answers_open) return;
  const auto found = arenas_.find(arena);
  if (found == arenas_.end()) {
    replies.emplace_back(
        base::ArenaLost{arena, base::NotRun(FailureCode::kObjectLost, "gone")},
        base::UniqueFd());
    return;
  }
  std::string error;
  base::UniqueFd fd;
  if (!options_.loses_descriptors) fd = found->second->ReadOnly(&error);
  replies.emplace_back(base::ArenaOpened{arena, found->second->byte_count()},
                       std::move(fd));
}

void FakeStore::Pull(const base::PullValue& pull, Replies& replies) {
  ++pulled_count_;
  if (!options_.answers_pull) return;
  const auto found = std::find_if(
      afar_.begin(), afar_.end(),
      [&pull](const auto& value) { return value.first == pull.extent; });
  if (found == afar_.end()) {
    replies.emplace_back(
        base::PullRefused{pull.request,
                          base::NotRun(FailureCode::kObjectLost, "gone afar")},
        base::UniqueFd());
    return;
  }
  base::Extent here{ids_.Next<ArenaId>(), base::kExtentHeaderBytes,
                    pull.extent.byte_count, 1};
  std::string error;
  auto file = base::ArenaFile::Make(base::PlaceBytes(here.byte_count), &error);
  MOBULA_CHECK(file.has_value()) << error;
  MOBULA_CHECK(file->Write(0, base::HeaderOf(here) + found->second, &error));
  if (pulled_count_ > options_.copies_gone) {
    arenas_[here.arena] = std::make_unique<base::ArenaFile>(*std::move(file));
  }
  replies.emplace_back(base::ValuePulled{pull.request, here}, base::UniqueFd());
}

void FakeStore::PutAfar(const base::Extent& extent, std::string value) {
  base::MutexLock lock(mutex_);
  afar_.emplace_back(extent, std::move(value));
}

std::vector<ArenaId> FakeStore::Leased() {
  base::MutexLock lock(mutex_);
  std::vector<ArenaId> leased;
  for (const auto& [id, file] : arenas_) leased.push_back(id);
  return leased;
}

std::size_t FakeStore::waiting() {
  base::MutexLock lock(mutex_);
  return waiting_.size();
}

int FakeStore::pulled_count() {
  base::MutexLock lock(mutex_);
  return pulled_count_;
}

int FakeStore::opened_count() {
  base::MutexLock lock(mutex_);
  return opened_count_;
}

}  // namespace mobula::runtime
