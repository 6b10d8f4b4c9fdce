// LockOrder finds locks that are taken in different orders, before that ends
// in a deadlock.
//
//   if (auto why = order.Ask(flow, &b, here)) Report(*why);   // holding a
//   order.Take(flow, &b, here);
//   order.Release(&b);
// A flow is a thread, or a chain of coroutines that await one another. It says
// what it asks for, while it holds others: from each of those there is an edge
// to what is asked for. An edge that closes a circle is reported, once, with
// the places of all edges of the circle. Owner: the process's LockWatch.
// Threading: none. Invariants: each edge is reported once; no more than
// kEdgesMax are kept, the later ones are not seen.
#ifndef MOBULA_RUNTIME_DEBUG_LOCK_ORDER_H_
#define MOBULA_RUNTIME_DEBUG_LOCK_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mobula::runtime {

// Of a program's source; the texts are there for ever.
struct Place {
  const char* file = "";
  std::uint32_t line = 0;
  const char* function = "";
};

class LockOrder {
 public:
  using Flow = std::uint64_t;
  using Lock = const void*;
  static constexpr std::size_t kEdgesMax = 10'000;

  // What is wrong with that, if something is.
  std::optional<std::string> Ask(Flow flow, Lock lock, const Place& place);
  void Take(Flow flow, Lock lock, const Place& place);
  // By whomever.
  void Release(Lock lock);
  // It is destroyed; another may have its address.
  void Forget(Lock lock);

  [[nodiscard]] std::size_t edges() const { return edges_; }

 private:
  struct Held {
    Lock lock = nullptr;
    Place place;
  };
  struct Edge {
    Place held;
    Place asked;
  };

  // From one lock to another over edges; empty if there is none.
  [[nodiscard]] std::vector<Lock> PathBetween(Lock from, Lock to) const;
  [[nodiscard]] std::string Describe(const Held& held, Lock asked,
                                     const Place& place,
                                     const std::vector<Lock>& back) const;

  std::map<Flow, std::vector<Held>> held_;
  std::map<Lock, Flow> holders_;
  std::map<Lock, std::map<Lock, Edge>> after_;
  std::size_t edges_ = 0;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_DEBUG_LOCK_ORDER_H_
