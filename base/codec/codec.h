// Encode and Decode turn a C++ value into MessagePack and back: arguments and
// results of users' functions, and the messages of our own frames.
//
//   struct Count { std::string word; std::int64_t n; };
//   std::string bytes = Encode(std::vector<Count>{{"ray", 7}});
//   std::vector<Count> counts;
//   std::string error;
//   if (!Decode(bytes, &counts, &error)) ...;
//
// kEncodable<T> and kDecodable<T> say at compile time whether that works:
// numbers, strings, enums, containers, optional, variant, tuple, chrono, smart
// pointers, Bytes, plain aggregates, types with MOBULA_FIELDS or MobulaEncode
// and MobulaDecode, and all of these within one another. The format is in
// docs/formats/values.md.
// Threading: pure functions.
// Failure: Encode throws EncodeError (see writer.h). Decode returns false, says
// where and why, and leaves *value valid but unspecified; bytes from anywhere
// are safe to decode.
#ifndef MOBULA_BASE_CODEC_CODEC_H_
#define MOBULA_BASE_CODEC_CODEC_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/codec/aggregate.h"
#include "base/codec/choices.h"
#include "base/codec/custom.h"
#include "base/codec/fields.h"
#include "base/codec/scalars.h"
#include "base/codec/sequences.h"
#include "base/codec/value.h"

namespace mobula::base {

// Throws EncodeError where there are refs inside: they need a call or Put.
template <class T>
std::string Encode(const T& value) {
  std::string bytes;
  Writer out(&bytes);
  WriteValue(out, value);
  return bytes;
}

namespace codec_internal {

template <class T>
bool DecodeAll(Reader& in, T* value, std::string* error) {
  if (ReadValue(in, value) && in.End()) return true;
  if (error != nullptr) *error = in.error();
  return false;
}

}  // namespace codec_internal

// All of `bytes` must be one T. `error` may be null.
template <class T>
bool Decode(std::string_view bytes, T* value, std::string* error,
            ReadLimits limits = ReadLimits()) {
  Reader in(bytes, nullptr, limits);
  return codec_internal::DecodeAll(in, value, error);
}

// The same, but Bytes inside the value share the storage of `bytes`.
template <class T>
bool Decode(const Bytes& bytes, T* value, std::string* error,
            ReadLimits limits = ReadLimits()) {
  Reader in(bytes.view(), &bytes, limits);
  return codec_internal::DecodeAll(in, value, error);
}

// The same for bytes that `owner` keeps alive.
template <class T>
bool Decode(std::string_view bytes, std::shared_ptr<const void> owner, T* value,
            std::string* error, ReadLimits limits = ReadLimits()) {
  return Decode(Bytes::Share(std::move(owner), bytes), value, error, limits);
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_CODEC_H_
