// Place is memory for one encoded value while it is written: room in the node's
// store where there is one and the value is long, else memory of this process.
// Not for users.
//
//   made --Finish--> the Value's
//        '--destroyed--> given back
// Owner: who writes the value.   Threading: none.
// Invariants: (1) the memory is aligned to 64; (2) room that is not finished is
// given back.   Failure: kObjectStoreFull, kTooLarge; kShutdown and kRayletDied
// where the runtime ends.
#ifndef MOBULA_API_MOBULA_VALUES_PLACE_H_
#define MOBULA_API_MOBULA_VALUES_PLACE_H_

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/shm/room.h"
#include "base/value.h"

namespace mobula::detail {

class Session;

class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept;
  Place& operator=(Place&& other) noexcept;
  ~Place();

  // Waits while the store is full. Throws RuntimeClosed.
  static std::variant<Place, base::Failure> Find(
      std::shared_ptr<const Session> session, std::size_t byte_count,
      base::BootTime deadline);
  // In this process; `byte_count` is within the limit.
  static Place InProcess(std::size_t byte_count);

  [[nodiscard]] bool in_store() const { return !extent_.arena.IsNil(); }
  [[nodiscard]] std::span<char> bytes() const { return bytes_; }

  // It is written, by who may have kept a pointer.
  void Seal();
  // The value that was written, named `name` where it is in the store.
  base::Value Finish(const base::ObjectName& name,
                     std::vector<base::ObjectName> refs) &&;

 private:
  void GiveBack();

  std::shared_ptr<const Session> session_;  // of what is in the store
  base::Extent extent_;
  std::shared_ptr<char> memory_;  // of what is not
  std::span<char> bytes_;
};

// Why no value of so many bytes can travel where there is no store.
base::Failure TooLarge(std::size_t byte_count);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VALUES_PLACE_H_
