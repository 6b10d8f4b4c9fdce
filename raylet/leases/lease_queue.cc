#include "raylet/leases/lease_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace mobula::raylet {
namespace {

// A grant of the whole node costs a job of weight 1 this much.
constexpr std::uint64_t kWholeNode = 1'000'000;
// And one of nothing at all this much, so that actors without cpus take turns.
constexpr std::uint64_t kLeast = 1'000;

}  // namespace

LeaseQueue::LeaseQueue(Options options) : options_(std::move(options)) {
  MOBULA_CHECK(options_.passed_over_max > 0);
}

void LeaseQueue::AddJob(base::JobId job, std::int32_t weight) {
  MOBULA_CHECK(weight >= 1);
  Job fresh;
  fresh.weight = weight;
  fresh.pass = pass_now_;
  const bool added = jobs_.emplace(job, std::move(fresh)).second;
  MOBULA_CHECK(added);
}

std::vector<QueuedLease> LeaseQueue::RemoveJob(base::JobId job) {
  std::vector<QueuedLease> taken = TakeOfJob(job);
  jobs_.erase(job);
  return taken;
}

bool LeaseQueue::Add(QueuedLease request) {
  if (index_.contains(request.lease)) return false;
  const auto found = jobs_.find(request.job);
  MOBULA_CHECK(found != jobs_.end());
  Job& job = found->second;
  // Time spent away from the queue is not saved up.
  if (job.size == 0) job.pass = std::max(job.pass, pass_now_);
  const Rank rank{request.priority, next_order_++};
  index_.emplace(request.lease, Place{request.job, request.shape, rank});
  ++owners_[request.owner];
  ++job.size;
  Fifo& fifo = job.shapes[request.shape];
  fifo.emplace(rank, Entry{std::move(request), 0});
  return true;
}

bool LeaseQueue::Contains(base::LeaseId lease) const {
  return index_.contains(lease);
}

void LeaseQueue::SetPriority(base::LeaseId lease, base::ProcessId owner,
                             std::int32_t priority) {
  const auto found = index_.find(lease);
  if (found == index_.end()) return;
  Place& place = found->second;
  Fifo& fifo = jobs_.at(place.job).shapes.at(place.shape);
  const auto entry = fifo.find(place.rank);
  MOBULA_CHECK(entry != fifo.end());
  const QueuedLease& request = entry->second.request;
  if (request.owner != owner || request.priority == priority) return;
  auto moved = fifo.extract(entry);
  place.rank = Rank{priority, next_order_++};
  moved.key() = place.rank;
  moved.mapped().request.priority = priority;
  fifo.insert(std::move(moved));
}

std::optional<QueuedLease> LeaseQueue::Take(base::LeaseId lease) {
  const auto found = index_.find(lease);
  if (found == index_.end()) return std::nullopt;
  const Place place = std::move(found->second);
  index_.erase(found);
  Job& job = jobs_.at(place.job);
  const auto shape = job.shapes.find(place.shape);
  MOBULA_CHECK(shape != job.shapes.end());
  const auto entry = shape->second.find(place.rank);
  MOBULA_CHECK(entry != shape->second.end());
  QueuedLease request = std::move(entry->second.request);
  shape->second.erase(entry);
  if (shape->second.empty()) job.shapes.erase(shape);
  --job.size;
  const auto owner = owners_.find(request.owner);
  MOBULA_CHECK(owner != owners_.end() && owner->second > 0);
  if (--owner->second == 0) owners_.erase(owner);
  return request;
}

std::vector<QueuedLease> LeaseQueue::TakeAll(
    const std::vector<base::LeaseId>& leases) {
  std::vector<QueuedLease> taken;
  taken.reserve(leases.size());
  for (const base::LeaseId lease : leases) {
    taken.push_back(*Take(lease));
  }
  return taken;
}

std::vector<QueuedLease> LeaseQueue::TakeOfOwner(base::ProcessId owner) {
  if (!owners_.contains(owner)) return {};
  std::vector<base::LeaseId> leases;
  for (const auto& [id, job] : jobs_) {
    for (const auto& [shape, fifo] : job.shapes) {
      for (const auto& [rank, entry] : fifo) {
        if (entry.request.owner == owner) leases.push_back(entry.request.lease);
      }
    }
  }
  return TakeAll(leases);
}

std::vector<QueuedLease> LeaseQueue::TakeOfJob(base::JobId job) {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return {};
  std::vector<base::LeaseId> leases;
  for (const auto& [shape, fifo] : found->second.shapes) {
    for (const auto& [rank, entry] : fifo) {
      leases.push_back(entry.request.lease);
    }
  }
  return TakeAll(leases);
}

std::uint64_t LeaseQueue::StrideOf(const Job& job,
                                   const base::ResourceVector& shape) const {
  std::uint64_t share = kLeast;
  for (const auto& [name, units] : shape.units) {
    const std::int64_t total = options_.total.GetUnits(name);
    if (total <= 0) continue;
    const double part = static_cast<double>(units) / static_cast<double>(total);
    const double scaled = std::min(part, 1.0) * kWholeNode;
    share = std::max(share, static_cast<std::uint64_t>(scaled));
  }
  return std::max<std::uint64_t>(
      1, share / static_cast<std::uint64_t>(job.weight));
}

LeaseQueue::Cursor LeaseQueue::FindStarving() {
  Cursor starving;
  for (auto& [id, job] : jobs_) {
    for (auto& [shape, fifo] : job.shapes) {
      const auto head = fifo.begin();
      if (head->second.passed_over < options_.passed_over_max) continue;
      if (starving.job == nullptr ||
          head->first.order < starving.at->first.order) {
        starving = Cursor{&job, &fifo, head};
      }
    }
  }
  return starving;
}

// One round: what is left, and how far it has come in each shape.
class LeaseQueue::RoundState {
 public:
  RoundState(LeaseQueue& queue, const base::ResourceVector& free,
             const OfferFn& offer)
      : queue_(queue), offer_(offer), left_(free) {}

  void Run() {
    ServeStarving();
    for (auto& [id, job] : queue_.jobs_) {
      if (job.size > 0) OpenLane(job);
    }
    while (!lanes_.empty()) Turn();
    for (const base::LeaseId lease : granted_) queue_.Take(lease);
  }

 private:
  // What starves comes first, or keeps its share of what is free.
  void ServeStarving() {
    const Cursor starving = queue_.FindStarving();
    if (starving.job == nullptr) return;
    const QueuedLease& request = starving.at->second.request;
    starved_ = request.lease;
    if (!left_.Fits(request.shape)) {
      left_.Subtract(request.shape);
      return;
    }
    const Verdict verdict = offer_(request);
    if (verdict == Verdict::kNotForIt) return;
    if (verdict == Verdict::kGranted) NoteGrant(*starving.job, request);
    left_.Subtract(request.shape);
  }

  void OpenLane(Job& job) {
    Lane lane{&job, job.pass, {}};
    for (auto& [shape, fifo] : job.shapes) {
      auto head = fifo.begin();
      if (head->second.request.lease == starved_ && ++head == fifo.end()) {
        continue;
      }
      if (left_.Fits(shape)) {
        lane.open.push_back(Cursor{&job, &fifo, head});
      } else {
        passed_.push_back(&head->second);
      }
    }
    lanes_.push_back(std::move(lane));
  }

  // Offers one request of the job whose turn it is.
  void Turn() {
    const auto lane = std::min_element(
        lanes_.begin(), lanes_.end(),
        [](const Lane& a, const Lane& b) { return a.pass < b.pass; });
    const auto cursor = NextFitting(*lane);
    if (cursor == lane->open.end()) {
      lanes_.erase(lane);
      return;
    }
    const QueuedLease& request = cursor->at->second.request;
    const Verdict verdict = offer_(request);
    if (verdict == Verdict::kNoWorker) {
      lanes_.erase(lane);
      return;
    }
    if (verdict != Verdict::kNotForIt) {
      left_.Subtract(request.shape);
      lane->pass += queue_.StrideOf(*lane->job, request.shape);
    }
    if (verdict == Verdict::kGranted) NoteGrant(*lane->job, request);
    if (++cursor->at == cursor->fifo->end()) lane->open.erase(cursor);
  }

  // The first request of the lane that fits; shapes that do not are closed.
  std::vector<Cursor>::iterator NextFitting(Lane& lane) {
    while (true) {
      const auto first = std::min_element(lane.open.begin(), lane.open.end(),
                                          [](const Cursor& a, const Cursor& b) {
                                            return a.at->first < b.at->first;
                                          });
      if (first == lane.open.end()) return first;
      const QueuedLease& request = first->at->second.request;
      if (left_.Fits(request.shape)) return first;
      passed_.push_back(&first->at->second);
      lane.open.erase(first);
    }
  }

  void NoteGrant(Job& job, const QueuedLease& request) {
    queue_.pass_now_ = std::max(queue_.pass_now_, job.pass);
    job.pass += queue_.StrideOf(job, request.shape);
    granted_.push_back(request.lease);
    for (Entry* entry : passed_) ++entry->passed_over;
  }

  LeaseQueue& queue_;
  const OfferFn& offer_;
  base::ResourceVector left_;
  base::LeaseId starved_;
  std::vector<Lane> lanes_;
  std::vector<Entry*> passed_;
  std::vector<base::LeaseId> granted_;
};

void LeaseQueue::Round(const base::ResourceVector& free, const OfferFn& offer) {
  if (index_.empty()) return;
  RoundState(*this, free, offer).Run();
}

std::vector<QueuedLease> LeaseQueue::List(std::size_t count_max) const {
  std::vector<QueuedLease> list;
  for (const auto& [id, job] : jobs_) {
    for (const auto& [shape, fifo] : job.shapes) {
      for (const auto& [rank, entry] : fifo) {
        if (list.size() >= count_max) return list;
        list.push_back(entry.request);
      }
    }
  }
  return list;
}

std::size_t LeaseQueue::SizeOfJob(base::JobId job) const {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : found->second.size;
}

std::size_t LeaseQueue::SizeOfOwner(base::ProcessId owner) const {
  const auto found = owners_.find(owner);
  return found == owners_.end() ? 0 : found->second;
}

void LeaseQueue::CheckInvariants() const {
  std::size_t total = 0;
  for (const auto& [id, job] : jobs_) {
    std::size_t size = 0;
    for (const auto& [shape, fifo] : job.shapes) {
      MOBULA_CHECK(!fifo.empty());
      for (const auto& [rank, entry] : fifo) {
        const Place& place = index_.at(entry.request.lease);
        MOBULA_CHECK(place.rank == rank && place.job == id);
        MOBULA_CHECK(rank.priority == entry.request.priority);
        MOBULA_CHECK(entry.request.shape == shape);
      }
      size += fifo.size();
    }
    MOBULA_CHECK(size == job.size);
    total += size;
  }
  MOBULA_CHECK(total == index_.size());
  std::size_t owned = 0;
  for (const auto& [owner, count] : owners_) owned += count;
  MOBULA_CHECK(owned == total);
}

}  // namespace mobula::raylet
