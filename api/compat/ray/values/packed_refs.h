// Refs inside values that MessagePack's own library packs: it knows nothing of
// them, so they are noted beside the bytes, by thread, while it works. Not for
// users.
//
//   PackedRefs refs;                  // until the end of the block
//   msgpack::pack(stream, value);     // each ObjectRef in it calls Note
//   refs.objects();
//
// Threading: of one thread; they nest.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_PACKED_REFS_H_
#define MOBULA_API_COMPAT_RAY_VALUES_PACKED_REFS_H_

#include <vector>

#include "api/compat/ray/values/held_object.h"

namespace ray::internal {

class PackedRefs {
 public:
  // To pack; and, with what travelled beside the bytes, to unpack.
  explicit PackedRefs(std::vector<HeldPtr> objects = {});
  ~PackedRefs();
  PackedRefs(const PackedRefs&) = delete;
  PackedRefs& operator=(const PackedRefs&) = delete;

  [[nodiscard]] const std::vector<HeldPtr>& objects() const { return objects_; }

  // No effect where nothing is packed on this thread: then the id alone goes.
  static void Note(const HeldPtr& object);
  // Null where there is none.
  static HeldPtr Find(const std::string& id);

 private:
  PackedRefs* const before_;
  std::vector<HeldPtr> objects_;
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_VALUES_PACKED_REFS_H_
