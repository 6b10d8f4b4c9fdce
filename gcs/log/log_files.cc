#include "gcs/log/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error_text.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "gcs/log/wal_check.h"

namespace mobula::gcs {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "MANIFEST-";

std::optional<std::string> ReadFile(const std::string& path,
                                    std::string* error) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat stat{};
  if (!file.valid() || ::fstat(file.get(), &stat) != 0) {
    *error = base::WithErrorText("cannot open " + path);
    return std::nullopt;
  }
  std::string bytes(static_cast<std::size_t>(stat.st_size), '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + got,
                                  bytes.size() - got, static_cast<off_t>(got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      *error = base::WithErrorText("cannot read " + path + " at offset " +
                                   std::to_string(got));
      return std::nullopt;
    }
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

bool CutFile(const std::string& path, std::uint64_t length,
             std::string* error) {
  const base::UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid() ||
      ::ftruncate(file.get(), static_cast<off_t>(length)) != 0 ||
      ::fsync(file.get()) != 0) {
    *error = base::WithErrorText("cannot cut the torn end off " + path);
    return false;
  }
  return true;
}

// `may_be_torn`: its last record may be one that was never acknowledged.
bool MendFile(const std::string& path, bool may_be_torn, std::string* error) {
  const std::optional<std::string> bytes = ReadFile(path, error);
  if (!bytes) return false;
  const WalCheck check = CheckWal(*bytes);
  if (check.state == WalCheck::kWhole) return true;
  if (check.state == WalCheck::kDamaged || !may_be_torn) {
    *error = path + " is damaged at offset " + std::to_string(check.offset) +
             " (after " + std::to_string(check.records) +
             " whole records): " + check.what;
    return false;
  }
  MOBULA_LOG(WARNING) << path << ": cut from " << bytes->size() << " to "
                      << check.offset << " bytes, since " << check.what
                      << "; nothing in it was acknowledged";
  return CutFile(path, check.offset, error);
}

// The number in "000012.log", if it is such a name.
std::optional<std::uint64_t> WalNumber(std::string_view name) {
  constexpr std::string_view kSuffix = ".log";
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  std::uint64_t number = 0;
  const auto [end, wrong] =
      std::from_chars(name.data(), name.data() + name.size(), number);
  if (wrong != std::errc() || end != name.data() + name.size()) {
    return std::nullopt;
  }
  return number;
}

struct Names {
  bool has_current = false;
  bool has_tables = false;
  std::vector<std::pair<std::uint64_t, std::string>> wals;  // by number
};

std::optional<Names> ListNames(const std::string& folder, std::string* error) {
  Names names;
  std::error_code wrong;
  fs::directory_iterator file(folder, wrong);
  for (; !wrong && file != fs::directory_iterator(); file.increment(wrong)) {
    const std::string name = file->path().filename().string();
    if (name == "CURRENT") names.has_current = true;
    if (name.ends_with(".sst")) names.has_tables = true;
    if (const auto number = WalNumber(name)) {
      names.wals.emplace_back(*number, name);
    }
  }
  if (wrong) {
    *error = "cannot read the folder " + folder + ": " + wrong.message();
    return std::nullopt;
  }
  std::sort(names.wals.begin(), names.wals.end());
  return names;
}

bool MendManifest(const std::string& folder, std::string* error) {
  const std::string current = folder + "/CURRENT";
  std::optional<std::string> name = ReadFile(current, error);
  if (!name) return false;
  if (!name->starts_with(kManifest) || !name->ends_with('\n') ||
      name->find('/') != std::string::npos) {
    *error = current + " is damaged: it does not name a MANIFEST";
    return false;
  }
  name->pop_back();
  if (!fs::exists(folder + "/" + *name)) {
    *error = current + " is damaged: it names " + *name + ", which is missing";
    return false;
  }
  return MendFile(folder + "/" + *name, true, error);
}

}  // namespace

bool HasLogFiles(const std::string& folder) {
  return fs::exists(folder + "/CURRENT");
}

bool MendLogFiles(const std::string& folder, std::string* error) {
  const std::optional<Names> names = ListNames(folder, error);
  if (!names) return false;
  if (!names->has_current) {
    if (!names->has_tables && names->wals.empty()) return true;
    *error = folder + " is damaged: its files are there, but CURRENT is not";
    return false;
  }
  if (!MendManifest(folder, error)) return false;
  for (const auto& [number, name] : names->wals) {
    const bool is_last = number == names->wals.back().first;
    if (!MendFile(folder + "/" + name, is_last, error)) return false;
  }
  return true;
}

}  // namespace mobula::gcs
