#include "raylet/spawn/program_store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/error_text.h"

namespace mobula::raylet {
namespace {

using base::UniqueFd;

constexpr std::size_t kSliceBytes = std::size_t{4} << 20;
constexpr std::size_t kHashDigits = 64;

bool IsHash(const std::string& text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// How the names of copies begin that this process makes.
std::string OwnCopies() { return "." + std::to_string(::getpid()) + "."; }

class Sha256 {
 public:
  Sha256() : context_(::EVP_MD_CTX_new(), &::EVP_MD_CTX_free) { Reset(); }
  void Reset() {
    MOBULA_CHECK(::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) ==
                 1);
  }
  void Add(const char* bytes, std::size_t size) {
    MOBULA_CHECK(::EVP_DigestUpdate(context_.get(), bytes, size) == 1);
  }
  std::string Hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    MOBULA_CHECK(::EVP_DigestFinal_ex(context_.get(), digest.data(), &size) ==
                 1);
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
      hex.push_back(kDigits[digest[i] >> 4]);
      hex.push_back(kDigits[digest[i] & 15]);
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

bool WriteAll(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// Of the programs that are there, without copies that are being made.
struct Stock {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

Stock StockIn(const std::string& folder) {
  Stock stock;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (!IsHash(entry.path().filename())) continue;
    ++stock.count;
    const std::uint64_t size = entry.file_size(code);
    if (!code) stock.bytes += size;
  }
  return stock;
}

// "" if one more of that size has room.
std::string WhyFull(const std::string& folder, std::uint64_t size,
                    const ProgramStore::Limits& limits) {
  const Stock stock = StockIn(folder);
  if (stock.count < limits.count_max &&
      stock.bytes + size <= limits.bytes_max) {
    return "";
  }
  return "the node keeps " + std::to_string(stock.count) + " programs of " +
         std::to_string(stock.bytes) +
         " bytes for detached actors already, and may keep " +
         std::to_string(limits.count_max) + " of " +
         std::to_string(limits.bytes_max) +
         " bytes; end actors of some (mobula kill), and try again in a minute";
}

}  // namespace

// A program on its way in: read once for its hash, and once more to be copied
// if there is no copy yet.
class ProgramStore::Reading {
 public:
  Reading(std::string folder, std::string copy, const Limits& limits,
          UniqueFd program, KeptFn kept)
      : folder_(std::move(folder)),
        limits_(limits),
        copy_path_(folder_ + "/" + std::move(copy)),
        program_(std::move(program)),
        kept_(std::move(kept)),
        buffer_(kSliceBytes) {}
  ~Reading() {
    if (copy_.valid()) ::unlink(copy_path_.c_str());
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  // Reads one slice; false once it is over.
  bool Step() {
    const ssize_t n =
        ::pread(program_.get(), buffer_.data(), buffer_.size(), offset_);
    if (n < 0) return errno == EINTR || Fail("the program cannot be read");
    if (n == 0) return EndOfProgram();
    const auto size = static_cast<std::size_t>(n);
    offset_ += n;
    hash_.Add(buffer_.data(), size);
    if (copy_.valid() && !WriteAll(copy_.get(), buffer_.data(), size)) {
      return Fail(copy_path_);
    }
    return true;
  }
  void Tell() { kept_(std::move(result_), std::move(reason_)); }

 private:
  bool Fail(const std::string& what) {
    reason_ = base::WithErrorText(what);
    return false;
  }

  bool EndOfProgram() {
    const std::string hash = hash_.Hex();
    if (copy_.valid()) return Finish(hash);
    first_hash_ = hash;
    struct stat stat;
    const std::string path = folder_ + "/" + hash;
    if (::lstat(path.c_str(), &stat) == 0 && S_ISREG(stat.st_mode) &&
        stat.st_size == offset_) {
      result_ = hash;
      return false;
    }
    reason_ = WhyFull(folder_, static_cast<std::uint64_t>(offset_), limits_);
    if (!reason_.empty()) return false;
    std::error_code code;
    std::filesystem::create_directories(folder_, code);
    ::chmod(folder_.c_str(), 0700);
    ::unlink(copy_path_.c_str());
    copy_.Reset(::open(copy_path_.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                       0500));
    if (!copy_.valid()) return Fail(copy_path_);
    offset_ = 0;
    hash_.Reset();
    return true;
  }

  bool Finish(const std::string& hash) {
    if (hash != first_hash_) {
      reason_ = "the program changed while it was read";
      return false;
    }
    const std::string path = folder_ + "/" + hash;
    if (::fsync(copy_.get()) != 0 ||
        ::rename(copy_path_.c_str(), path.c_str()) != 0) {
      return Fail(path);
    }
    copy_.Reset();
    const UniqueFd folder(
        ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (::fsync(folder.get()) != 0) return Fail(folder_);
    result_ = hash;
    return false;
  }

  const std::string folder_;
  const Limits limits_;
  const std::string copy_path_;
  const UniqueFd program_;
  const KeptFn kept_;
  std::vector<char> buffer_;
  Sha256 hash_;
  off_t offset_ = 0;
  UniqueFd copy_;  // valid while it is written
  std::string first_hash_;
  std::string result_;
  std::string reason_;
};

ProgramStore::ProgramStore(base::Strand& strand, std::string folder,
                           Limits limits)
    : strand_(strand),
      folder_(std::move(folder)),
      limits_(limits),
      alive_(std::make_shared<const bool>(true)) {}

ProgramStore::~ProgramStore() = default;

void ProgramStore::Keep(UniqueFd program, KeptFn kept) {
  const std::string copy = OwnCopies() + std::to_string(++copies_);
  Continue(std::make_shared<Reading>(folder_, copy, limits_, std::move(program),
                                     std::move(kept)));
}

void ProgramStore::Continue(std::shared_ptr<Reading> reading) {
  const std::weak_ptr<const bool> alive = alive_;
  strand_.Post([this, alive, reading] {
    if (alive.expired()) return;
    strand_.AssertHeld();
    if (reading->Step()) {
      Continue(reading);
    } else {
      reading->Tell();
    }
  });
}

UniqueFd ProgramStore::Open(const std::string& hash, std::string* error) const {
  if (!IsHash(hash)) {
    *error = "'" + hash + "' is not the hash of a program";
    return UniqueFd();
  }
  const std::string path = folder_ + "/" + hash;
  UniqueFd program(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!program.valid()) *error = base::WithErrorText("no program " + path);
  return program;
}

void ProgramStore::ForgetBut(const std::set<std::string>& needed) const {
  std::error_code code;
  std::vector<std::filesystem::path> useless;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, code)) {
    const std::string name = entry.path().filename();
    const bool is_copy = name.starts_with(".");
    const bool is_ours = is_copy || IsHash(name);
    const bool is_needed =
        is_copy ? name.starts_with(OwnCopies()) : needed.contains(name);
    if (is_ours && !is_needed) useless.push_back(entry.path());
  }
  for (const auto& path : useless) ::unlink(path.c_str());
}

}  // namespace mobula::raylet
