#include "examples/index/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace indexer {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;

FileText Refuse(Problem problem, std::string reason) {
  FileText refused;
  refused.problem = problem;
  refused.reason = std::move(reason);
  return refused;
}

FileText RefuseSystemError(int error) {
  return Refuse(Problem::kUnreadable, std::strerror(error));
}

FileText RefuseTooLarge(std::size_t bytes_max) {
  return Refuse(Problem::kTooLarge,
                "more than " + std::to_string(bytes_max) + " bytes of text");
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : fd_(::open(path.c_str(),
                   O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

// Appends up to `bytes_max` bytes; the errno of a failure, else 0.
int ReadUpTo(int fd, std::size_t bytes_max, std::string* bytes) {
  while (bytes->size() < bytes_max) {
    const std::size_t old_size = bytes->size();
    bytes->resize(std::min(bytes_max, old_size + kChunkBytes));
    const ssize_t count =
        ::read(fd, bytes->data() + old_size, bytes->size() - old_size);
    const int error = count < 0 ? errno : 0;
    bytes->resize(old_size +
                  static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return 0;
    if (count < 0 && error != EINTR) return error;
  }
  return 0;
}

struct InflateEnd {
  void operator()(z_stream* stream) const {
    ::inflateEnd(stream);
    delete stream;
  }
};
using Inflater = std::unique_ptr<z_stream, InflateEnd>;

Inflater NewInflater() {
  auto stream = std::make_unique<z_stream>();
  std::memset(stream.get(), 0, sizeof(z_stream));
  constexpr int kGzipOnly = 15 + 16;
  if (::inflateInit2(stream.get(), kGzipOnly) != Z_OK) throw std::bad_alloc();
  return Inflater(stream.release());
}

// Unpacks all members of a gzip file.
FileText Unpack(std::string packed, std::size_t bytes_max) {
  const Inflater stream = NewInflater();
  stream->next_in = reinterpret_cast<Bytef*>(packed.data());
  stream->avail_in = static_cast<uInt>(packed.size());
  FileText unpacked;
  char chunk[kChunkBytes];
  while (true) {
    stream->next_out = reinterpret_cast<Bytef*>(chunk);
    stream->avail_out = sizeof(chunk);
    const int status = ::inflate(stream.get(), Z_NO_FLUSH);
    unpacked.text.append(chunk, sizeof(chunk) - stream->avail_out);
    if (unpacked.text.size() > bytes_max) return RefuseTooLarge(bytes_max);
    if (status == Z_STREAM_END) {
      // Another member may follow; anything else at the end is padding.
      if (stream->avail_in < 2 || stream->next_in[0] != 0x1f ||
          stream->next_in[1] != 0x8b) {
        return unpacked;
      }
      ::inflateReset(stream.get());
    } else if (status != Z_OK) {
      const bool is_cut = status == Z_BUF_ERROR && stream->avail_in == 0;
      return Refuse(Problem::kDamaged, is_cut ? "the gzip data ends too early"
                                              : "the gzip data is damaged");
    }
  }
}

}  // namespace

std::string_view ProblemName(Problem problem) {
  switch (problem) {
    case Problem::kNone:
      return "text";
    case Problem::kUnreadable:
      return "unreadable";
    case Problem::kDamaged:
      return "damaged";
    case Problem::kBinary:
      return "binary";
    case Problem::kTooLarge:
      return "too large";
  }
  return "unknown";
}

bool IsBinary(std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) return true;
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && (byte < '\b' || byte > '\r') && byte != 0x1b) ||
           byte == 0x7f;
  };
  const auto controls = static_cast<std::size_t>(
      std::count_if(bytes.begin(), bytes.end(), is_control));
  return controls > bytes.size() / 20;
}

FileText ReadText(const std::string& path, std::size_t bytes_max) {
  const OpenFile file(path);
  if (file.fd() < 0) return RefuseSystemError(errno);
  struct stat status;
  if (::fstat(file.fd(), &status) != 0) return RefuseSystemError(errno);
  if (!S_ISREG(status.st_mode)) {
    return Refuse(Problem::kUnreadable, "not a regular file");
  }
  FileText read;
  // One byte more, to see whether there is more.
  const int error = ReadUpTo(file.fd(), bytes_max + 1, &read.text);
  if (error != 0) return RefuseSystemError(error);
  if (read.text.size() > bytes_max) return RefuseTooLarge(bytes_max);
  if (read.text.starts_with("\x1f\x8b\x08")) {
    read = Unpack(std::move(read.text), bytes_max);
    if (read.problem != Problem::kNone) return read;
  }
  if (IsBinary(read.text)) {
    return Refuse(Problem::kBinary, "holds bytes that are no text");
  }
  return read;
}

}  // namespace indexer
