// StoreUser puts values into the node's store, and reads them, as the library
// does beneath the API; and it looks at what the raylet holds for them.
//
//   mobula::Runtime runtime = mobula::Init(options);
//   const StoreUser user;
//   std::optional<StoredAt> value = user.Put(size, seed, deadline, &failure);
//   EXPECT_TRUE(user.IsRight(*value, deadline));
//   user.Drop(*value);
// What is stored is filled with a pattern, so that each word of it is checked.
// Of the runtime that is current, in a driver and in a worker.
// Threading: any.
#ifndef MOBULA_TESTS_INTEGRATION_STORE_USER_H_
#define MOBULA_TESTS_INTEGRATION_STORE_USER_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/mobula/detail/session.h"
#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"
#include "runtime/process/backend.h"

namespace mobula::test {

// A value in the store, as plain numbers: an argument like any other.
struct StoredAt {
  base::ObjectName name;
  base::Extent extent;
  std::uint64_t seed = 0;  // of its pattern
};

void FillPattern(std::span<char> bytes, std::uint64_t seed);
bool HasPattern(std::string_view bytes, std::uint64_t seed);

class StoreUser {
 public:
  StoreUser();  // throws RuntimeClosed where there is no runtime

  [[nodiscard]] runtime::Backend& backend() const {
    return session_->OpenBackend();
  }
  // Nothing, and why.
  [[nodiscard]] std::optional<StoredAt> Put(std::uint64_t byte_count,
                                            std::uint64_t seed,
                                            base::BootTime deadline,
                                            base::Failure* failure) const;
  // Its bytes while they are held; nothing, and why.
  [[nodiscard]] std::optional<base::Bytes> Map(const StoredAt& value,
                                               base::BootTime deadline,
                                               base::Failure* failure) const;
  // Mapped and as it was written; a gtest failure says why not.
  [[nodiscard]] bool IsRight(const StoredAt& value,
                             base::BootTime deadline) const;
  void Drop(const StoredAt& value) const;

 private:
  std::shared_ptr<detail::Session> session_;
};

// What a raylet has open for the store.
struct StoreFiles {
  std::size_t arenas = 0;
  std::uint64_t arena_bytes = 0;  // of memory that is taken
  std::size_t spill_files = 0;
  std::uint64_t spilled_bytes = 0;
  std::uint64_t disk_bytes = 0;  // that are taken of the disk
};
// `folder`: where it spills.
StoreFiles StoreFilesOf(pid_t raylet, const std::string& folder);
// Expects that, sooner or later, nothing of any value is left: no file, and no
// more arenas than processes keep that wrote, and the raylet for the next ones.
void ExpectNoValueLeft(pid_t raylet, const std::string& folder,
                       base::BootTime deadline);

// Of the embedded head that this process started; 0 if there is none.
pid_t RayletOfThisProcess();

// All that has a name in a folder and below, and in /dev/shm.
std::vector<std::string> NamesBelow(const std::string& folder);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_INTEGRATION_STORE_USER_H_
