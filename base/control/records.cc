#include "base/control/records.h"

#include <cstddef>

#include "base/codec/aggregate_fields.h"
#include "base/codec/codec.h"

namespace mobula::base {
namespace {

// Of each of both, that an earlier version did not write.
constexpr std::size_t kNewFields = 2;

template <class Record>
void Write(const Record& record, Writer& out) {
  WithFields(record, [&out](const auto&... fields) {
    out.Array(sizeof...(fields));
    (WriteValue(out, fields), ...);
  });
}

template <class Record>
bool Read(Reader& in, const char* what, Record& record) {
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  return WithFields(record, [&in, what, count](auto&... fields) {
    constexpr std::size_t kAll = sizeof...(fields);
    if (count != kAll && count != kAll - kNewFields) return in.Fail(what);
    std::size_t left = count;
    const auto read = [&in, &left](auto& field) {
      return left == 0 || (--left, ReadValue(in, &field));
    };
    return (read(fields) && ...);
  });
}

}  // namespace

void NodeRecord::MobulaEncode(Writer& out) const { Write(*this, out); }

bool NodeRecord::MobulaDecode(Reader& in) {
  return Read(in, "the fields of a node's record", *this);
}

void ActorRecord::MobulaEncode(Writer& out) const { Write(*this, out); }

bool ActorRecord::MobulaDecode(Reader& in) {
  return Read(in, "the fields of an actor's record", *this);
}

}  // namespace mobula::base
