#include "tests/integration/store_user.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

#include "base/clock.h"
#include "runtime/core/events.h"
#include "tests/process_tree/process_tree.h"

namespace mobula::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlockBytes = 512;  // of stat
constexpr int kLookAgainMs = 5;
// Arenas that a raylet of 32 MiB keeps ready: 4 MiB, each of more than 1.
constexpr std::size_t kReserveMax = 3;

std::uint64_t WordAt(std::uint64_t seed, std::uint64_t at) {
  return (seed + at) * 0x9e37'79b9'7f4a'7c15ULL;
}

}  // namespace

void FillPattern(std::span<char> bytes, std::uint64_t seed) {
  std::uint64_t at = 0;
  while (!bytes.empty()) {
    const std::uint64_t word = WordAt(seed, at++);
    const std::size_t size = std::min(bytes.size(), sizeof(word));
    std::memcpy(bytes.data(), &word, size);
    bytes = bytes.subspan(size);
  }
}

bool HasPattern(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t at = 0;
  while (!bytes.empty()) {
    const std::uint64_t word = WordAt(seed, at++);
    const std::size_t size = std::min(bytes.size(), sizeof(word));
    if (std::memcmp(bytes.data(), &word, size) != 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

StoreUser::StoreUser() : session_(detail::Session::Require()) {}

std::optional<StoredAt> StoreUser::Put(std::uint64_t byte_count,
                                       std::uint64_t seed,
                                       base::BootTime deadline,
                                       base::Failure* failure) const {
  auto given = backend().Allocate(byte_count, deadline);
  if (auto* const why = std::get_if<base::Failure>(&given)) {
    *failure = std::move(*why);
    return std::nullopt;
  }
  const auto& room = std::get<runtime::Backend::Room>(given);
  FillPattern(room.bytes, seed);
  StoredAt value;
  value.name = {backend().NewId<base::ObjectId>(), backend().self()};
  value.extent = room.extent;
  value.seed = seed;
  backend().Post(runtime::Put{value.name.object,
                              base::Value::Stored(value.name, room.extent)});
  return value;
}

std::optional<base::Bytes> StoreUser::Map(const StoredAt& value,
                                          base::BootTime deadline,
                                          base::Failure* failure) const {
  auto mapped =
      backend().Map(base::Value::Stored(value.name, value.extent), deadline);
  if (auto* const why = std::get_if<base::Failure>(&mapped)) {
    *failure = std::move(*why);
    return std::nullopt;
  }
  return std::get<base::Bytes>(std::move(mapped));
}

bool StoreUser::IsRight(const StoredAt& value, base::BootTime deadline) const {
  base::Failure failure;
  const auto bytes = Map(value, deadline, &failure);
  if (!bytes) {
    ADD_FAILURE() << base::DescribeFailure(failure);
    return false;
  }
  return bytes->size() == value.extent.byte_count &&
         HasPattern(bytes->view(), value.seed);
}

void StoreUser::Drop(const StoredAt& value) const {
  backend().Post(runtime::DropObject{value.name.object});
}

StoreFiles StoreFilesOf(pid_t raylet, const std::string& folder) {
  StoreFiles files;
  std::error_code gone;
  const fs::path all = "/proc/" + std::to_string(raylet) + "/fd";
  for (const auto& entry : fs::directory_iterator(all, gone)) {
    const std::string what = fs::read_symlink(entry.path(), gone);
    struct stat state{};
    if (::stat(entry.path().c_str(), &state) != 0) continue;
    const auto bytes =
        static_cast<std::uint64_t>(state.st_blocks) * kBlockBytes;
    if (what.starts_with("/memfd:mobula-arena")) {
      ++files.arenas;
      files.arena_bytes += bytes;
    } else if (what.starts_with(folder + "/") && what.ends_with("(deleted)")) {
      ++files.spill_files;
      files.spilled_bytes += static_cast<std::uint64_t>(state.st_size);
      files.disk_bytes += bytes;
    }
  }
  return files;
}

void ExpectNoValueLeft(pid_t raylet, const std::string& folder,
                       base::BootTime deadline) {
  while (true) {
    const StoreFiles files = StoreFilesOf(raylet, folder);
    // Each worker, and the driver, keeps one that is empty.
    const std::size_t kept = Children(raylet).size() + 1 + kReserveMax;
    if (files.spill_files == 0 && files.arenas <= kept) return;
    if (base::BootNow() >= deadline) {
      ADD_FAILURE() << files.arenas << " arenas of " << files.arena_bytes
                    << " bytes and " << files.spill_files << " files are left";
      return;
    }
    ::poll(nullptr, 0, kLookAgainMs);
  }
}

pid_t RayletOfThisProcess() {
  const std::vector<pid_t> janitors = Children(::getpid());
  if (janitors.empty()) return 0;
  const std::vector<pid_t> raylets = Children(janitors[0]);
  return raylets.empty() ? 0 : raylets[0];
}

std::vector<std::string> NamesBelow(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator(folder, gone)) {
    names.push_back(entry.path());
  }
  for (const auto& entry : fs::directory_iterator("/dev/shm", gone)) {
    names.push_back(entry.path());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace mobula::test
