#include "api/mobula/values/place.h"

#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "api/mobula/detail/running.h"
#include "api/mobula/detail/session.h"
#include "base/bytes.h"
#include "base/check.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

Place::Place(Place&& other) noexcept { *this = std::move(other); }

Place& Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  GiveBack();
  session_ = std::move(other.session_);
  extent_ = std::exchange(other.extent_, base::Extent());
  memory_ = std::move(other.memory_);
  bytes_ = std::exchange(other.bytes_, std::span<char>());
  return *this;
}

Place::~Place() { GiveBack(); }

void Place::GiveBack() {
  if (!in_store()) return;
  if (runtime::Backend* const backend = session_->backend()) {
    backend->Discard(extent_);
  }
  extent_ = base::Extent();
}

std::variant<Place, base::Failure> Place::Find(
    std::shared_ptr<const Session> session, std::size_t byte_count,
    base::BootTime deadline) {
  runtime::Backend& backend = session->OpenBackend();
  if (byte_count <= base::kInlineBytesMax) return InProcess(byte_count);
  if (!backend.HasStore()) {
    if (byte_count > kValueBytesMax) return TooLarge(byte_count);
    return InProcess(byte_count);
  }
  auto room = backend.Allocate(byte_count, deadline);
  if (auto* const failure = std::get_if<base::Failure>(&room)) {
    return std::move(*failure);
  }
  const auto& given = std::get<runtime::Backend::Room>(room);
  MOBULA_CHECK(given.bytes.size() >= byte_count);
  Place place;
  place.session_ = std::move(session);
  place.extent_ = given.extent;
  place.bytes_ = given.bytes.first(byte_count);
  return place;
}

Place Place::InProcess(std::size_t byte_count) {
  Place place;
  place.memory_ = std::shared_ptr<char>(
      static_cast<char*>(::operator new(byte_count, kAlignment)),
      [](char* memory) { ::operator delete(memory, kAlignment); });
  place.bytes_ = {place.memory_.get(), byte_count};
  return place;
}

void Place::Seal() {
  if (in_store()) session_->OpenBackend().Seal(extent_);
}

base::Value Place::Finish(const base::ObjectName& name,
                          std::vector<base::ObjectName> refs) && {
  if (in_store()) {
    const base::Extent extent = std::exchange(extent_, base::Extent());
    return base::Value::Stored(name, extent, std::move(refs));
  }
  const std::string_view view(bytes_.data(), bytes_.size());
  return {base::Bytes::Share(std::move(memory_), view), std::move(refs)};
}

base::Failure TooLarge(std::size_t byte_count) {
  return base::NotRun(base::FailureCode::kTooLarge,
                      "the value has " + std::to_string(byte_count) +
                          " bytes; where there is no store the limit is " +
                          std::to_string(kValueBytesMax));
}

}  // namespace mobula::detail
