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
#include <string_view>
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

// Of a file that is read slice by slice, and what its content hashes to.
class SlicedFile {
 public:
  enum class Step { kSlice, kEnd, kFailed };

  // From the beginning; the descriptor is the caller's.
  void Begin(int fd) {
    fd_ = fd;
    offset_ = 0;
    hash_.Reset();
  }
  Step Next() {
    const ssize_t n = ::pread(fd_, buffer_.data(), buffer_.size(), offset_);
    slice_ = std::string_view(buffer_.data(), n > 0 ? n : 0);
    if (n < 0) return errno == EINTR ? Step::kSlice : Step::kFailed;
    if (n == 0) return Step::kEnd;
    offset_ += n;
    hash_.Add(slice_.data(), slice_.size());
    return Step::kSlice;
  }
  [[nodiscard]] std::string_view slice() const { return slice_; }
  [[nodiscard]] off_t size() const { return offset_; }
  // Once, at the end.
  std::string Hex() { return hash_.Hex(); }

 private:
  int fd_ = -1;
  off_t offset_ = 0;
  Sha256 hash_;
  std::vector<char> buffer_ = std::vector<char>(kSliceBytes);
  std::string_view slice_;
};

// Of the programs that are there, without copies that are being made.
struct Stock {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

Stock StockIn(const std::string& folder, const std::string& but) {
  Stock stock;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename();
    if (!ProgramStore::IsHash(name) || name == but) continue;
    ++stock.count;
    const std::uint64_t size = entry.file_size(code);
    if (!code) stock.bytes += size;
  }
  return stock;
}

// Invalid, and errno, where the folder takes none.
UniqueFd CreateCopy(const std::string& folder, const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  ::chmod(folder.c_str(), 0700);
  ::unlink(path.c_str());
  return UniqueFd(::open(path.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                         0500));
}

// Durable, and under its name from then on. "", or why not.
std::string Settle(const UniqueFd& copy, const std::string& copy_path,
                   const std::string& folder, const std::string& path) {
  if (::fsync(copy.get()) != 0 ||
      ::rename(copy_path.c_str(), path.c_str()) != 0) {
    return base::WithErrorText(path);
  }
  const UniqueFd opened(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (::fsync(opened.get()) != 0) return base::WithErrorText(folder);
  return "";
}

UniqueFd OpenProgram(const std::string& path) {
  return UniqueFd(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

// It may be there, and open another time.
bool MayPass(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM;
}

ProgramStore::Opened Lacking(std::string reason) {
  ProgramStore::Opened opened;
  opened.reason = std::move(reason);
  opened.is_lacking = true;
  return opened;
}

}  // namespace

// What is done in turns of the strand.
class ProgramStore::Work {
 public:
  virtual ~Work() = default;
  // One slice; false once it is over.
  virtual bool Step() = 0;
  virtual void Tell() = 0;
};

// A program on its way in: read for its hash; what lies under that hash is
// read, where nobody has done so since it was written; and read once more to be
// copied where there is none, or a damaged one.
class ProgramStore::Keeping final : public Work {
 public:
  Keeping(ProgramStore& store, UniqueFd program, KeptFn kept)
      : store_(store),
        copy_path_(store.NextCopyPath()),
        program_(std::move(program)),
        kept_(std::move(kept)) {
    file_.Begin(program_.get());
  }
  ~Keeping() override {
    if (copy_.valid()) ::unlink(copy_path_.c_str());
  }

  bool Step() override {
    const SlicedFile::Step step = file_.Next();
    if (step == SlicedFile::Step::kFailed) {
      if (stage_ == Stage::kComparing) return BeginCopy();
      return Fail("the program cannot be read");
    }
    if (step == SlicedFile::Step::kEnd) return EndOfFile();
    const std::string_view slice = file_.slice();
    if (stage_ == Stage::kCopying &&
        !WriteAll(copy_.get(), slice.data(), slice.size())) {
      return Fail(copy_path_);
    }
    return true;
  }
  void Tell() override { kept_(std::move(result_), std::move(reason_)); }

 private:
  enum class Stage { kReading, kComparing, kCopying };

  bool Fail(const std::string& what) {
    reason_ = base::WithErrorText(what);
    return false;
  }
  bool Done() {
    result_ = hash_;
    return false;
  }

  bool EndOfFile() {
    const std::string hash = file_.Hex();
    switch (stage_) {
      case Stage::kReading:
        hash_ = hash;
        size_ = file_.size();
        return Compare();
      case Stage::kComparing:
        store_.known_[hash_] = {state_, hash == hash_};
        return hash == hash_ ? Done() : BeginCopy();
      case Stage::kCopying:
        break;
    }
    return Finish(hash);
  }

  bool Compare() {
    there_ = OpenProgram(store_.folder_ + "/" + hash_);
    const auto state = StateOf(there_);
    if (!state || SizeOf(*state) != size_) return BeginCopy();
    const auto is_whole = store_.IsWhole(hash_, *state);
    if (is_whole) return *is_whole ? Done() : BeginCopy();
    state_ = *state;
    stage_ = Stage::kComparing;
    file_.Begin(there_.get());
    return true;
  }

  bool BeginCopy() {
    reason_ = store_.WhyFull(hash_, static_cast<std::uint64_t>(size_));
    if (!reason_.empty()) return false;
    copy_ = CreateCopy(store_.folder_, copy_path_);
    if (!copy_.valid()) return Fail(copy_path_);
    stage_ = Stage::kCopying;
    file_.Begin(program_.get());
    return true;
  }

  bool Finish(const std::string& hash) {
    if (hash != hash_) {
      reason_ = "the program changed while it was read";
      return false;
    }
    reason_ = Settle(copy_, copy_path_, store_.folder_, store_.PathOf(hash));
    if (!reason_.empty()) return false;
    const auto state = StateOf(copy_);
    if (state) store_.known_[hash] = {*state, true};
    copy_.Reset();
    return Done();
  }

  ProgramStore& store_;
  const std::string copy_path_;
  const UniqueFd program_;
  const KeptFn kept_;
  SlicedFile file_;
  Stage stage_ = Stage::kReading;
  off_t size_ = 0;
  std::string hash_;
  UniqueFd there_;     // what lies under its hash
  FileState state_{};  // of that
  UniqueFd copy_;      // valid while it is written
  std::string result_;
  std::string reason_;
};

// A kept program that is to be executed, and that nobody has read since it was
// written.
class ProgramStore::Checking final : public Work {
 public:
  Checking(ProgramStore& store, std::string hash, UniqueFd program,
           const FileState& state)
      : store_(store),
        hash_(std::move(hash)),
        program_(std::move(program)),
        state_(state) {
    file_.Begin(program_.get());
  }

  bool Step() override {
    const SlicedFile::Step step = file_.Next();
    if (step == SlicedFile::Step::kSlice) return true;
    if (step == SlicedFile::Step::kFailed) {
      reason_ = base::WithErrorText("cannot read " + store_.PathOf(hash_));
    } else {
      is_whole_ = file_.Hex() == hash_;
      store_.known_[hash_] = {state_, is_whole_};
      if (!is_whole_) reason_ = store_.Damage(hash_);
    }
    return false;
  }
  void Tell() override {
    const auto found = store_.checking_.extract(hash_);
    for (const OpenedFn& opened : found.mapped()) opened(One());
  }

 private:
  Opened One() const {
    if (!is_whole_) return Lacking(reason_);
    Opened one;
    one.program.Reset(::fcntl(program_.get(), F_DUPFD_CLOEXEC, 0));
    if (!one.program.valid()) one.reason = "no descriptors for a worker";
    return one;
  }

  ProgramStore& store_;
  const std::string hash_;
  const UniqueFd program_;
  const FileState state_;
  SlicedFile file_;
  bool is_whole_ = false;
  std::string reason_;
};

class ProgramStore::Arriving final : public Arrival {
 public:
  Arriving(ProgramStore& store, std::string hash, std::uint64_t byte_count)
      : store_(store),
        hash_(std::move(hash)),
        byte_count_(byte_count),
        copy_path_(store.NextCopyPath()),
        copy_(CreateCopy(store.folder_, copy_path_)) {
    ++store_.arriving_count_;
    store_.arriving_bytes_ += byte_count_;
  }
  ~Arriving() override {
    --store_.arriving_count_;
    store_.arriving_bytes_ -= byte_count_;
    if (copy_.valid()) ::unlink(copy_path_.c_str());
  }
  [[nodiscard]] bool valid() const { return copy_.valid(); }
  [[nodiscard]] const std::string& copy_path() const { return copy_path_; }

  std::string Add(std::string_view bytes) override {
    MOBULA_CHECK(bytes.size() <= byte_count_ - size_, "more than there is");
    if (!WriteAll(copy_.get(), bytes.data(), bytes.size())) {
      return base::WithErrorText(copy_path_);
    }
    content_.Add(bytes.data(), bytes.size());
    size_ += bytes.size();
    // On its way to the disk, so that little is left for Keep to wait for.
    if (size_ - written_back_ >= kSliceBytes) {
      ::sync_file_range(copy_.get(), static_cast<off_t>(written_back_),
                        static_cast<off_t>(size_ - written_back_),
                        SYNC_FILE_RANGE_WRITE);
      written_back_ = size_;
    }
    return "";
  }

  std::string Keep() override {
    MOBULA_CHECK(copy_.valid() && size_ == byte_count_);
    if (content_.Hex() != hash_) {
      return "what came has another SHA-256 than " + hash_;
    }
    std::string reason =
        Settle(copy_, copy_path_, store_.folder_, store_.PathOf(hash_));
    if (!reason.empty()) return reason;
    const auto state = StateOf(copy_);
    if (state) store_.known_[hash_] = {*state, true};
    copy_.Reset();
    return "";
  }

  [[nodiscard]] std::uint64_t size() const override { return size_; }

 private:
  ProgramStore& store_;
  const std::string hash_;
  const std::uint64_t byte_count_;
  const std::string copy_path_;
  UniqueFd copy_;  // valid while it is written
  Sha256 content_;
  std::uint64_t size_ = 0;
  std::uint64_t written_back_ = 0;
};

ProgramStore::ProgramStore(base::Strand& strand, std::string folder,
                           Limits limits)
    : strand_(strand),
      folder_(std::move(folder)),
      limits_(limits),
      alive_(std::make_shared<const bool>(true)) {}

ProgramStore::~ProgramStore() = default;

void ProgramStore::Keep(UniqueFd program, KeptFn kept) {
  Continue(
      std::make_shared<Keeping>(*this, std::move(program), std::move(kept)));
}

std::unique_ptr<ProgramStore::Arrival> ProgramStore::Receive(
    const std::string& hash, std::uint64_t byte_count, std::string* reason) {
  MOBULA_CHECK(IsHash(hash), "only a hash names a file");
  *reason = WhyFull(hash, byte_count);
  if (!reason->empty()) return nullptr;
  auto arrival = std::make_unique<Arriving>(*this, hash, byte_count);
  if (arrival->valid()) return arrival;
  *reason = base::WithErrorText(arrival->copy_path());
  return nullptr;
}

void ProgramStore::Continue(std::shared_ptr<Work> work) {
  const std::weak_ptr<const bool> alive = alive_;
  strand_.Post([this, alive, work] {
    if (alive.expired()) return;
    strand_.AssertHeld();
    if (work->Step()) {
      Continue(work);
    } else {
      work->Tell();
    }
  });
}

bool ProgramStore::IsHash(std::string_view text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string ProgramStore::NextCopyPath() {
  return folder_ + "/" + OwnCopies() + std::to_string(++copies_);
}

// "" if that program has room, in place of what may lie under its hash.
std::string ProgramStore::WhyFull(const std::string& hash,
                                  std::uint64_t size) const {
  Stock stock = StockIn(folder_, hash);
  stock.count += arriving_count_;
  stock.bytes += arriving_bytes_;
  if (stock.count < limits_.count_max && stock.bytes <= limits_.bytes_max &&
      size <= limits_.bytes_max - stock.bytes) {
    return "";
  }
  return "the node keeps " + std::to_string(stock.count) + " programs of " +
         std::to_string(stock.bytes) + " bytes already, and may keep " +
         std::to_string(limits_.count_max) + " of " +
         std::to_string(limits_.bytes_max) +
         " bytes; end detached actors of some (mobula kill), and try again in "
         "a minute";
}

std::string ProgramStore::PathOf(const std::string& hash) const {
  return folder_ + "/" + hash;
}

std::string ProgramStore::Damage(const std::string& hash) const {
  return PathOf(hash) + " is damaged: its content has another SHA-256";
}

std::optional<ProgramStore::FileState> ProgramStore::StateOf(
    const UniqueFd& file) {
  struct stat stat;
  if (!file.valid() || ::fstat(file.get(), &stat) != 0) return std::nullopt;
  if (!S_ISREG(stat.st_mode)) return std::nullopt;
  return FileState{static_cast<std::int64_t>(stat.st_dev),
                   static_cast<std::int64_t>(stat.st_ino),
                   stat.st_size,
                   stat.st_mtim.tv_sec,
                   stat.st_mtim.tv_nsec,
                   stat.st_ctim.tv_sec,
                   stat.st_ctim.tv_nsec};
}

std::optional<bool> ProgramStore::IsWhole(const std::string& hash,
                                          const FileState& state) const {
  const auto known = known_.find(hash);
  if (known == known_.end() || known->second.state != state) {
    return std::nullopt;
  }
  return known->second.is_whole;
}

void ProgramStore::Open(const std::string& hash, OpenedFn opened) {
  if (!IsHash(hash)) {
    return opened(Lacking("'" + hash + "' is not the hash of a program"));
  }
  Opened one;
  one.program = OpenProgram(PathOf(hash));
  if (!one.program.valid()) {
    one.is_lacking = !MayPass(errno);
    one.reason = base::WithErrorText("no program " + PathOf(hash));
    return opened(std::move(one));
  }
  const auto state = StateOf(one.program);
  if (!state) return opened(Lacking(PathOf(hash) + " is no file"));
  const auto is_whole = IsWhole(hash, *state);
  if (is_whole) {
    return opened(*is_whole ? std::move(one) : Lacking(Damage(hash)));
  }
  std::vector<OpenedFn>& waiting = checking_[hash];
  waiting.push_back(std::move(opened));
  if (waiting.size() > 1) return;
  Continue(
      std::make_shared<Checking>(*this, hash, std::move(one.program), *state));
}

void ProgramStore::ForgetBut(const std::set<std::string>& needed) {
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
  for (const auto& path : useless) {
    ::unlink(path.c_str());
    known_.erase(path.filename());
  }
}

}  // namespace mobula::raylet
