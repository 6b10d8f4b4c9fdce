// LeaseQueue holds the lease requests that wait, and says in which order they
// are to be served.
//
//   Add --Round: granted--> gone        Add --Take*: cancelled--> gone
//   Add --SetPriority--> behind those that had it before
//
// Between jobs: stride scheduling. A job's pass grows by the dominant share of
// what it is granted, divided by its weight; the job with the smallest pass is
// next. Inside a job: the highest priority first, then first come, first
// served, except that a request that does not fit what is free is passed by
// later ones of other shapes. One that has been passed passed_over_max times is
// starving: what is free is kept for it, until it fits. A priority says nothing
// to other jobs.
// Owner: raylet::Core.   Threading: none; runs on its owner's strand.
// Invariants: (1) a lease id is queued at most once; (2) requests of one job
// and shape are granted by their priorities, and of one priority in the order
// in which they came or got it, but for those of an
// owner that is itself the only worker that could serve them; (3) a round
// grants no more than it was told is free.
// Failure: a request under an id that is queued changes nothing.
// Source: Waldspurger and Weihl, "Stride Scheduling" (1995).
#ifndef MOBULA_RAYLET_LEASES_LEASE_QUEUE_H_
#define MOBULA_RAYLET_LEASES_LEASE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/scheduling/placement.h"
#include "base/scheduling/resource_vector.h"

namespace mobula::raylet {

struct QueuedLease {
  base::LeaseId lease;
  base::ProcessId owner;
  base::JobId job;
  base::ResourceVector shape;
  bool for_actor = false;
  std::string function;  // for people
  std::int32_t priority = 0;
  std::optional<base::Placement> placement = std::nullopt;
};

class LeaseQueue {
 public:
  struct Options {
    base::ResourceVector total;  // of the node
    std::uint32_t passed_over_max = 64;
  };
  // What became of a request that a round offered.
  enum class Verdict {
    kGranted,   // it leaves the queue
    kWaits,     // its worker is on its way: what it needs is kept for it
    kNoWorker,  // nothing can be done for its job in this round
    kNotForIt,  // nor for this one, but there may be for others of its job
  };
  using OfferFn = std::function<Verdict(const QueuedLease&)>;

  explicit LeaseQueue(Options options);

  // A job takes part from now on. CHECKs: it is new, weight >= 1.
  void AddJob(base::JobId job, std::int32_t weight);
  // Forgets a job and gives what it had queued.
  std::vector<QueuedLease> RemoveJob(base::JobId job);

  // False if the id is queued already. CHECKs: the job is known.
  bool Add(QueuedLease request);
  [[nodiscard]] bool Contains(base::LeaseId lease) const;
  // Of one that is queued, by its owner; else nothing is done.
  void SetPriority(base::LeaseId lease, base::ProcessId owner,
                   std::int32_t priority);
  std::optional<QueuedLease> Take(base::LeaseId lease);
  std::vector<QueuedLease> TakeOfOwner(base::ProcessId owner);
  std::vector<QueuedLease> TakeOfJob(base::JobId job);

  // Offers requests in order as long as they fit into `free`. `offer` must not
  // call this queue.
  void Round(const base::ResourceVector& free, const OfferFn& offer);

  // Up to so many of what waits, for people.
  [[nodiscard]] std::vector<QueuedLease> List(std::size_t count_max) const;

  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t SizeOfJob(base::JobId job) const;
  [[nodiscard]] std::size_t SizeOfOwner(base::ProcessId owner) const;
  // CHECKs the invariants; for tests.
  void CheckInvariants() const;

 private:
  struct Entry {
    QueuedLease request;
    std::uint32_t passed_over = 0;
  };
  struct Rank {
    std::int32_t priority = 0;
    std::uint64_t order = 0;  // of arrival

    // Whether it comes first.
    friend bool operator<(const Rank& a, const Rank& b) {
      if (a.priority != b.priority) return a.priority > b.priority;
      return a.order < b.order;
    }
    friend bool operator==(const Rank&, const Rank&) = default;
  };
  using Fifo = std::map<Rank, Entry>;
  struct Job {
    std::int64_t weight = 1;
    std::uint64_t pass = 0;
    std::size_t size = 0;
    std::map<base::ResourceVector, Fifo> shapes;
  };
  struct Place {
    base::JobId job;
    base::ResourceVector shape;
    Rank rank;
  };
  // One shape of one job, as far as a round has come in it.
  struct Cursor {
    Job* job = nullptr;
    Fifo* fifo = nullptr;
    Fifo::iterator at;
  };
  struct Lane {
    Job* job = nullptr;
    std::uint64_t pass = 0;  // as it would be if all offers were granted
    std::vector<Cursor> open;
  };
  class RoundState;

  [[nodiscard]] std::uint64_t StrideOf(const Job& job,
                                       const base::ResourceVector& shape) const;
  std::vector<QueuedLease> TakeAll(const std::vector<base::LeaseId>& leases);
  // The oldest request that has been passed over too often; null if none.
  Cursor FindStarving();

  const Options options_;
  std::map<base::JobId, Job> jobs_;
  std::map<base::LeaseId, Place> index_;
  std::map<base::ProcessId, std::size_t> owners_;
  std::uint64_t next_order_ = 1;
  std::uint64_t pass_now_ = 0;  // of the job served last
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LEASES_LEASE_QUEUE_H_
