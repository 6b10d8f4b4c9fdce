// RefOutbox gathers what one step has to say about references, so that each
// other process is told in few messages, none of them long.
//
//   outbox.Borrow(owner, object);  outbox.Return(owner, {object, 3});
//   outbox.Flush(effects);         // at the end of the step
// To one process they go in this order: what is borrowed, what was, what was
// taken, what is wanted or was lost, what is returned; so a borrow stands
// before the wish for its outcome. Owner: References.   Threading: none; pure.
// Invariants: at most kBatch objects a message.
#ifndef MOBULA_RUNTIME_REFS_REF_OUTBOX_H_
#define MOBULA_RUNTIME_REFS_REF_OUTBOX_H_

#include <cstddef>
#include <map>
#include <vector>

#include "base/frames/object_message.h"
#include "base/ids.h"
#include "runtime/core/events.h"

namespace mobula::runtime {

class RefOutbox {
 public:
  static constexpr std::size_t kBatch = 1'000;

  void Borrow(base::ProcessId owner, base::ObjectId object) {
    boxes_[owner].borrow.push_back(object);
  }
  // Answers to BorrowObjects.
  void Borrowed(base::ProcessId borrower, base::ObjectId object) {
    boxes_[borrower].borrowed.push_back(object);
  }
  void Gone(base::ProcessId borrower, base::ObjectId object) {
    boxes_[borrower].gone.push_back(object);
  }
  void Taken(base::ProcessId sender, base::ObjectId object) {
    boxes_[sender].taken.push_back(object);
  }
  void Want(base::ProcessId owner, base::ObjectId object) {
    boxes_[owner].want.push_back(object);
  }
  // Wanted anew.
  void Lost(base::ProcessId owner, const base::LostBytes& lost) {
    boxes_[owner].lost.push_back(lost);
  }
  void Return(base::ProcessId owner, const base::ReturnedObject& returned) {
    boxes_[owner].returned.push_back(returned);
  }

  [[nodiscard]] bool empty() const { return boxes_.empty(); }
  void Flush(Effects& effects);
  void Clear() { boxes_.clear(); }

 private:
  struct Box {
    std::vector<base::ObjectId> borrow;
    std::vector<base::ObjectId> borrowed;
    std::vector<base::ObjectId> gone;
    std::vector<base::ObjectId> taken;
    std::vector<base::ObjectId> want;
    std::vector<base::LostBytes> lost;
    std::vector<base::ReturnedObject> returned;
  };

  std::map<base::ProcessId, Box> boxes_;
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_REFS_REF_OUTBOX_H_
