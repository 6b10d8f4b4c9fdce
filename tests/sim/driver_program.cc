#include "tests/sim/driver_program.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace mobula::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr std::size_t kKeptMax = 16;
constexpr std::size_t kDependenciesMax = 3;
constexpr double kCpusOfNone = 1'000;  // no node here has so many

}  // namespace

DriverProgram::DriverProgram(const WorkloadOptions& options, int operations,
                             const Parts& parts, Rng rng, AfterFn after)
    : options_(options),
      left_(operations),
      api_(parts.api),
      ledger_(parts.ledger),
      refs_(parts.refs),
      rng_(rng),
      after_(std::move(after)) {}

void DriverProgram::Begin() {
  asking_ = true;
  after_(rng_.Within(microseconds(0), milliseconds(5)), [this] { Pump(); });
}

void DriverProgram::Pump() {
  asking_ = false;
  const auto window = static_cast<std::size_t>(options_.window);
  while (left_ > 0 && in_flight_.size() < window) {
    AskOne();
    if (!rng_.Chance(options_.unwatched_burst)) {
      asking_ = true;
      after_(DrawPause(), [this] { Pump(); });
      break;
    }
  }
  EndIfAnswered();
}

base::Duration DriverProgram::DrawPause() {
  // Long enough for what is idle to be taken away.
  if (!had_lull_ && rng_.Chance(options_.lull)) {
    had_lull_ = true;
    return rng_.Within(seconds(1), seconds(15));
  }
  return rng_.LogNormal(microseconds(300), 1);
}

void DriverProgram::AskOne() {
  --left_;
  const bool wants_actor = static_cast<int>(actors_.size()) < options_.actors &&
                           actors_made_ < 4 * options_.actors;
  if (wants_actor && rng_.Chance(0.5)) MakeActor();
  if (!actors_.empty() && rng_.Chance(options_.call)) {
    AskCall();
  } else if (rng_.Chance(options_.put)) {
    kept_.push_back(api_.Put());
  } else {
    AskTask();
  }
  if (options_.cancel > 0 && rng_.Chance(options_.cancel)) CancelSome();
}

void DriverProgram::MakeActor() {
  constexpr std::int32_t kRestarts[] = {0, 1, 3, -1, -1};
  ++actors_made_;
  Operation constructor;
  constructor.behaviour.run = rng_.LogNormal(options_.run_median, 0.5);
  constructor.behaviour.throws = rng_.Chance(options_.constructor_throws);
  refs_.DrawPassed(constructor);
  const std::int32_t restarts = kRestarts[rng_.Below(std::size(kRestarts))];
  const auto pending = static_cast<std::int32_t>(
      rng_.Chance(options_.pending_limit) ? rng_.Between(1, 8) : -1);
  const bool shared = options_.shared > 0 && rng_.Chance(options_.shared);
  actors_.emplace(
      api_.Create(std::move(constructor), restarts, pending, shared), Handle{});
}

Operation DriverProgram::DrawWish() {
  constexpr std::int32_t kRetries[] = {0, 1, 3, 3, -1};
  Operation wish;
  wish.retries_max = kRetries[rng_.Below(std::size(kRetries))];
  wish.behaviour.run = rng_.LogNormal(options_.run_median, 1);
  wish.behaviour.throws = rng_.Chance(options_.throws);
  if (rng_.Chance(options_.timeout)) {
    // Of the order of what there is to wait for, or far more.
    wish.timeout = rng_.LogNormal(milliseconds(10), 2.5);
  }
  // What always crashes must be given up some day.
  if (wish.retries_max >= 0) {
    wish.behaviour.crashes = rng_.Chance(options_.crashes);
  }
  DrawDependencies(wish);
  refs_.DrawPassed(wish);
  return wish;
}

void DriverProgram::DrawDependencies(Operation& wish) {
  while (wish.dependencies.size() < kDependenciesMax &&
         rng_.Chance(options_.depends)) {
    const std::size_t choices = in_flight_.size() + kept_.size();
    if (choices == 0) return;
    const std::size_t choice = rng_.Below(choices);
    wish.dependencies.push_back(
        choice < kept_.size()
            ? kept_[choice]
            : *std::next(in_flight_.begin(),
                         static_cast<std::ptrdiff_t>(choice - kept_.size())));
  }
}

base::ResourceVector DriverProgram::DrawShape(Operation& wish) {
  if (rng_.Chance(options_.infeasible)) {
    wish.infeasible = true;
    return base::ResourceVector::Cpus(kCpusOfNone);
  }
  if (rng_.Chance(options_.wide)) {
    constexpr double kShapes[] = {0, 0.25, 0.5, 1};
    return base::ResourceVector::Cpus(kShapes[rng_.Below(std::size(kShapes))]);
  }
  return base::ResourceVector::Cpus(1);
}

void DriverProgram::AskTask() {
  Operation wish = DrawWish();
  wish.retry_exceptions = wish.retries_max >= 0 && rng_.Chance(0.3);
  if (rng_.Chance(options_.nested)) {
    wish.behaviour.children = static_cast<int>(rng_.Between(1, 3));
    wish.behaviour.depth =
        rng_.Chance(options_.deep) ? static_cast<int>(rng_.Between(1, 3)) : 0;
  }
  if (!actors_.empty() && rng_.Chance(options_.foreign_handle)) {
    wish.behaviour.calls = DrawActor();
    wish.behaviour.calls_owner = ledger_.actor(wish.behaviour.calls).owner;
  }
  wish.behaviour.makes_actor = rng_.Chance(options_.makes_actor);
  const base::ResourceVector shape = DrawShape(wish);
  const OpIndex index = api_.Submit(std::move(wish), shape);
  if (rng_.Chance(options_.forget)) {
    api_.Drop(index);
  } else {
    KeepInFlight(index);
  }
}

base::ActorId DriverProgram::DrawActor() {
  return std::next(actors_.begin(),
                   static_cast<std::ptrdiff_t>(rng_.Below(actors_.size())))
      ->first;
}

void DriverProgram::AskCall() {
  const base::ActorId actor = DrawActor();
  Operation wish = DrawWish();
  // At most once is the default of a call.
  if (rng_.Chance(0.5)) wish.retries_max = 0;
  wish.behaviour.exit_actor = rng_.Chance(options_.exit_actor);
  if (rng_.Chance(options_.bound)) {
    wish.bound_incarnation =
        std::max<std::int64_t>(actors_.at(actor).incarnation, 1);
  }
  KeepInFlight(api_.Call(actor, std::move(wish)));
  if (rng_.Chance(options_.kill_actor)) api_.Kill(actor, rng_.Chance(0.5));
  // Its death may have been seen meanwhile.
  if (rng_.Chance(options_.early_drop) && actors_.erase(actor) > 0) {
    api_.DropActor(actor);
  }
}

// Something that is in flight, or that may be finished already.
void DriverProgram::CancelSome() {
  const bool is_old = !kept_.empty() && rng_.Chance(0.1);
  if (!is_old && in_flight_.empty()) return;
  const OpIndex index =
      is_old ? kept_[rng_.Below(kept_.size())]
             : *std::next(
                   in_flight_.begin(),
                   static_cast<std::ptrdiff_t>(rng_.Below(in_flight_.size())));
  const bool force = rng_.Chance(0.2);
  api_.Cancel(index, force, rng_.Chance(0.8));
}

void DriverProgram::KeepInFlight(OpIndex index) {
  in_flight_.insert(index);
  api_.Watch(index);
}

void DriverProgram::OnSettled(OpIndex index) {
  if (in_flight_.erase(index) == 0) return;
  LetGo(index);
  // Looks again at something that it has seen: it must be the same.
  if (!kept_.empty() && rng_.Chance(0.1)) {
    api_.Watch(kept_[rng_.Below(kept_.size())]);
  }
  if (asking_) return;
  asking_ = true;
  after_(base::Duration(0), [this] { Pump(); });
}

void DriverProgram::LetGo(OpIndex index) {
  if (!rng_.Chance(0.4)) {
    api_.Drop(index);
    return;
  }
  kept_.push_back(index);
  if (kept_.size() <= kKeptMax) return;
  api_.Drop(kept_.front());
  kept_.pop_front();
}

void DriverProgram::OnActorChanged(base::ActorId actor,
                                   std::int64_t incarnation, bool dead) {
  const auto found = actors_.find(actor);
  if (found == actors_.end()) return;
  found->second = {incarnation, dead};
  // Sometimes it goes on calling the dead.
  if (dead && rng_.Chance(0.7)) {
    actors_.erase(found);
    api_.DropActor(actor);
  }
}

void DriverProgram::EndIfAnswered() {
  if (over_ || left_ > 0 || !in_flight_.empty()) return;
  over_ = true;
}

void DriverProgram::LetAll() {
  for (const OpIndex index : kept_) api_.Drop(index);
  kept_.clear();
  for (const auto& [actor, handle] : actors_) api_.DropActor(actor);
  actors_.clear();
}

}  // namespace mobula::sim
