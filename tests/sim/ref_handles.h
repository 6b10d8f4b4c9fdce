// RefHandles counts the handles of objects that user code of one process has,
// and tells the core of each that comes or goes, as api/ does.
//
//   handles.Made(name);   // by Submit, Call or Put
//   handles.Take(name);   // found in a value
//   handles.Let(object);  // one is gone
// What the core counts is compared with this (tests/ownership/ref_audit.h).
// Owner: UserApi.   Threading: none.
// Invariants: a handle is let go as often as it was made.
#ifndef MOBULA_TESTS_SIM_REF_HANDLES_H_
#define MOBULA_TESTS_SIM_REF_HANDLES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/ids.h"
#include "base/value.h"
#include "runtime/core/events.h"

namespace mobula::sim {

class RefHandles {
 public:
  using PostFn = std::function<void(runtime::Event)>;
  struct Handle {
    base::ProcessId owner;
    std::int64_t count = 0;
  };

  explicit RefHandles(PostFn post) : post_(std::move(post)) {}

  void Made(const base::ObjectName& name);
  void Take(const base::ObjectName& name);
  void Let(base::ObjectId object);
  // It goes unseen: the core is not told (a plant).
  void Forget(base::ObjectId object);

  [[nodiscard]] bool Has(base::ObjectId object) const {
    return all_.contains(object);
  }
  [[nodiscard]] const std::map<base::ObjectId, Handle>& all() const {
    return all_;
  }

 private:
  const PostFn post_;
  std::map<base::ObjectId, Handle> all_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_REF_HANDLES_H_
