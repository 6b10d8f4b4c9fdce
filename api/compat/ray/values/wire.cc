#include "api/compat/ray/values/wire.h"

#include <memory>

#include "api/mobula/detail/calls.h"

namespace ray::internal {

void Packed::MobulaEncode(mobula::base::Writer& out) const {
  out.Array(1 + refs.size());
  out.Bin(bytes);
  for (const HeldPtr& ref : refs) {
    mobula::detail::WriteRef(out, ref->object());
  }
}

bool ReadPacked(mobula::base::Reader& in, std::string_view* bytes,
                std::vector<HeldPtr>* refs) {
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  if (count == 0 || !in.Str(bytes)) return in.Fail("bytes of MessagePack");
  if (!IsOneItem(*bytes)) return in.Fail("before this, one MessagePack item");
  for (std::size_t i = 1; i < count; ++i) {
    mobula::detail::ObjectPtr object;
    if (!mobula::detail::ReadRef(in, &object)) return false;
    if (object == nullptr) continue;
    refs->push_back(std::make_shared<const HeldObject>(std::move(object)));
  }
  return true;
}

bool IsOneItem(std::string_view bytes) {
  mobula::base::Reader in(bytes);
  return in.Skip() && in.End();
}

}  // namespace ray::internal
