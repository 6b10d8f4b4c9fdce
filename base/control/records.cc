#include "base/control/records.h"

#include <cstddef>

#include "base/codec/aggregate_fields.h"
#include "base/codec/codec.h"

namespace mobula::base {
namespace {

// That an earlier version did not write.
constexpr std::size_t kNewFields = 2;

}  // namespace

void ActorRecord::MobulaEncode(Writer& out) const {
  WithFields(*this, [&out](const auto&... fields) {
    out.Array(sizeof...(fields));
    (WriteValue(out, fields), ...);
  });
}

bool ActorRecord::MobulaDecode(Reader& in) {
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  return WithFields(*this, [&in, count](auto&... fields) {
    constexpr std::size_t kAll = sizeof...(fields);
    if (count != kAll && count != kAll - kNewFields) {
      return in.Fail("the fields of an actor's record");
    }
    std::size_t left = count;
    const auto read = [&in, &left](auto& field) {
      return left == 0 || (--left, ReadValue(in, &field));
    };
    return (read(fields) && ...);
  });
}

}  // namespace mobula::base
