#include "api/mobula/values/encoding.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/mobula/detail/running.h"
#include "api/mobula/error.h"
#include "api/mobula/values/place.h"
#include "base/bytes.h"
#include "base/shm/store_copy.h"
#include "base/shm/value_digest.h"

namespace mobula::detail {
namespace {

void CopyLong(char* to, const char* from, std::size_t count) {
  base::CopyToStore(to, std::string_view(from, count));
}

base::Value Finished(Place place, const base::ObjectName& name,
                     std::vector<base::ObjectName> refs,
                     std::uint64_t* digest) {
  if (digest != nullptr && place.in_store()) {
    *digest = base::DigestOf({place.bytes().data(), place.bytes().size()});
  }
  return std::move(place).Finish(name, std::move(refs));
}

}  // namespace

std::size_t Encoding::Mentions::Add(const base::ObjectName& ref,
                                    std::shared_ptr<const void> holder) {
  refs.push_back(ref);
  holders.push_back(std::move(holder));
  return refs.size() - 1;
}

Encoding::Encoding(const Writable& value) : value_(value) {
  size_ = Write(short_, nullptr);
}

std::size_t Encoding::Write(std::span<char> room, base::Writer::CopyFn copy) {
  mentions_.refs.clear();
  mentions_.holders.clear();
  base::Writer out(room, &mentions_);
  out.SetCopy(copy);
  try {
    value_.write(out, value_.value);
  } catch (const base::EncodeError& error) {
    ThrowBadArgument(error.what());
  }
  return out.size();
}

void Encoding::Fill(std::span<char> room, base::Writer::CopyFn copy) {
  if (Write(room, copy) == room.size()) return;
  ThrowBadArgument(
      "a value changed while it was encoded: does another thread use it, or "
      "does its MobulaEncode write something else each time?");
}

base::Value Encoding::Inline() {
  if (is_short()) {
    return {base::Bytes::Own(std::string(short_, size_)), mentions_.refs};
  }
  if (size_ > kValueBytesMax) ThrowFailure(TooLarge(size_));
  Place place = Place::InProcess(size_);
  Fill(place.bytes(), nullptr);
  return std::move(place).Finish(base::ObjectName(), mentions_.refs);
}

base::Outcome Encoding::Store(std::shared_ptr<const Session> session,
                              const base::ObjectName& name,
                              base::BootTime deadline, std::uint64_t* digest) {
  if (is_short()) return Inline();
  auto found = Place::Find(std::move(session), size_, deadline);
  if (auto* const failure = std::get_if<base::Failure>(&found)) {
    return std::move(*failure);
  }
  Place place = std::get<Place>(std::move(found));
  Fill(place.bytes(), place.in_store() ? &CopyLong : nullptr);
  return Finished(std::move(place), name, mentions_.refs, digest);
}

std::function<base::Outcome()> Encoding::StoreLater(
    std::shared_ptr<const Session> session, const base::ObjectName& name,
    base::BootTime deadline, std::uint64_t* digest) {
  const auto copy = std::make_shared<Place>(Place::InProcess(size_));
  Fill(copy->bytes(), nullptr);
  return [copy, session = std::move(session), name, deadline, digest,
          refs = mentions_.refs]() -> base::Outcome {
    try {
      auto found = Place::Find(session, copy->bytes().size(), deadline);
      if (auto* const failure = std::get_if<base::Failure>(&found)) {
        return std::move(*failure);
      }
      Place place = std::get<Place>(std::move(found));
      base::CopyToStore(
          place.bytes().data(),
          std::string_view(copy->bytes().data(), copy->bytes().size()));
      return Finished(std::move(place), name, refs, digest);
    } catch (const Error& error) {
      return error.failure();
    }
  };
}

std::shared_ptr<const void> Encoding::Kept() const {
  if (mentions_.holders.empty()) return nullptr;
  return std::make_shared<const std::vector<std::shared_ptr<const void>>>(
      mentions_.holders);
}

}  // namespace mobula::detail
