#include "runtime/debug/lock_order.h"

#include <algorithm>
#include <deque>

#include "base/text_line.h"

namespace mobula::runtime {
namespace {

void Say(base::TextLine& text, const Place& place) {
  text << place.file << ":" << place.line;
  if (*place.function != '\0') text << " (" << place.function << ")";
}

// Numbers the locks of one report.
class Numbers {
 public:
  std::size_t Of(LockOrder::Lock lock) {
    return numbers_.emplace(lock, numbers_.size() + 1).first->second;
  }

 private:
  std::map<LockOrder::Lock, std::size_t> numbers_;
};

void SayEdge(base::TextLine& text, std::size_t held, const Place& since,
             std::size_t asked, const Place& place) {
  text << "\n    Mutex " << asked << " at ";
  Say(text, place);
  text << "\n      while Mutex " << held << " is held since ";
  Say(text, since);
}

}  // namespace

std::optional<std::string> LockOrder::Ask(Flow flow, Lock lock,
                                          const Place& place) {
  const auto holds = held_.find(flow);
  if (holds == held_.end()) return std::nullopt;
  std::optional<std::string> wrong;
  for (const Held& held : holds->second) {
    if (edges_ >= kEdgesMax) break;
    std::map<Lock, Edge>& after = after_[held.lock];
    if (after.contains(lock)) continue;
    const std::vector<Lock> back = PathBetween(lock, held.lock);
    if (!wrong && !back.empty()) wrong = Describe(held, lock, place, back);
    after.emplace(lock, Edge{held.place, place});
    ++edges_;
  }
  return wrong;
}

void LockOrder::Take(Flow flow, Lock lock, const Place& place) {
  holders_[lock] = flow;
  held_[flow].push_back({lock, place});
}

void LockOrder::Release(Lock lock) {
  const auto holder = holders_.find(lock);
  if (holder == holders_.end()) return;  // taken before anybody looked
  const auto holds = held_.find(holder->second);
  std::erase_if(holds->second,
                [lock](const Held& held) { return held.lock == lock; });
  if (holds->second.empty()) held_.erase(holds);
  holders_.erase(holder);
}

void LockOrder::Forget(Lock lock) {
  Release(lock);
  const auto found = after_.find(lock);
  if (found != after_.end()) {
    edges_ -= found->second.size();
    after_.erase(found);
  }
  for (auto& [from, after] : after_) edges_ -= after.erase(lock);
}

std::vector<LockOrder::Lock> LockOrder::PathBetween(Lock from, Lock to) const {
  std::map<Lock, Lock> reached_from{{from, nullptr}};
  std::deque<Lock> queue{from};
  while (!queue.empty()) {
    const Lock at = queue.front();
    queue.pop_front();
    if (at == to) {
      std::vector<Lock> path;
      for (Lock step = at; step != nullptr; step = reached_from.at(step)) {
        path.push_back(step);
      }
      std::reverse(path.begin(), path.end());
      return path;
    }
    const auto after = after_.find(at);
    if (after == after_.end()) continue;
    for (const auto& [next, edge] : after->second) {
      if (reached_from.emplace(next, at).second) queue.push_back(next);
    }
  }
  return {};
}

std::string LockOrder::Describe(const Held& held, Lock asked,
                                const Place& place,
                                const std::vector<Lock>& back) const {
  base::TextLine text;
  Numbers numbers;
  const std::size_t first = numbers.Of(held.lock);
  if (held.lock == asked) {
    text << "a Mutex is locked by who holds it, and so waits for ever:";
    SayEdge(text, first, held.place, first, place);
    return text.text();
  }
  text << "Mutexes are locked in different orders, which can end in a "
          "deadlock:";
  SayEdge(text, first, held.place, numbers.Of(asked), place);
  text << "\n  but elsewhere:";
  for (std::size_t i = 0; i + 1 < back.size(); ++i) {
    const Edge& edge = after_.at(back[i]).at(back[i + 1]);
    const std::size_t from = numbers.Of(back[i]);
    SayEdge(text, from, edge.held, numbers.Of(back[i + 1]), edge.asked);
  }
  return text.text();
}

}  // namespace mobula::runtime
