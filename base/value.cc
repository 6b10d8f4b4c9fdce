#include "base/value.h"

#include <algorithm>

#include "base/codec/codec.h"

namespace mobula::base {
namespace {

bool NamesNothing(const ObjectName& name) {
  return name.object.IsNil() || name.owner.IsNil();
}

bool ReadRefs(Reader& in, std::vector<ObjectName>* refs) {
  if (!ReadValue(in, refs)) return false;
  if (std::none_of(refs->begin(), refs->end(), NamesNothing)) return true;
  return in.Fail("refs of objects and their owners");
}

}  // namespace

// Inline without refs: the bytes. Else [bytes, refs] or [name, extent, refs].
void Value::MobulaEncode(Writer& out) const {
  if (is_stored()) {
    out.Array(3);
    WriteValue(out, name_);
    WriteValue(out, extent_);
    WriteValue(out, refs_);
  } else if (refs_.empty()) {
    WriteValue(out, bytes_);
  } else {
    out.Array(2);
    WriteValue(out, bytes_);
    WriteValue(out, refs_);
  }
}

bool Value::MobulaDecode(Reader& in) {
  *this = Value();
  if (!in.NextIsArray()) return ReadValue(in, &bytes_);
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  if (count == 2) return ReadValue(in, &bytes_) && ReadRefs(in, &refs_);
  if (count != 3) return in.Fail("a value in two or three parts");
  if (!ReadValue(in, &name_) || !ReadValue(in, &extent_) ||
      !ReadRefs(in, &refs_)) {
    return false;
  }
  if (extent_.arena.IsNil() || NamesNothing(name_)) {
    return in.Fail("before this, an arena, an object and its owner");
  }
  return true;
}

}  // namespace mobula::base
