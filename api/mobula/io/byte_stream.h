// ByteStream is one end of a connection: bytes in order, both ways. TcpStream
// and UnixStream are made by connecting and accepting, those of a Subprocess
// are its pipes.
//
//   mobula::Coro<> Greet(mobula::TcpStream& peer) {
//     co_await peer.WriteAll("who?\n", 1s);
//     std::optional<std::string> name = co_await peer.ReadUntil("\n", 256, 5s);
//     if (name) co_await peer.WriteAll("hello " + *name);
//     peer.ShutdownWrite();              // nothing more comes from here
//   }
//   mobula::BlockOn(peer.WriteAll("who?\n", 1s));        // the same on a
//   thread
//
// Each operation is awaited in the statement that begins it (co_await, or
// BlockOn on a thread), and what it reads into or writes from must stay until
// then. What is there already is read at once, without a switch of threads. One
// may read and one may write at the same time, not more. One that ends before
// it is done leaves the stream as follows:
//
// - a read whose time is over, or whose scope is stopped, has taken nothing:
//   what had arrived is what the next read gives;
// - a write that had not begun has written nothing; one that was broken off in
//   the middle says so, and the stream can be read but not be written any more,
//   since nobody knows where the other side stands.
//
// Memory: what was received and not read stays here, bounded by what the reads
// ask for. Threading: any thread or coroutine, one reader and one writer at a
// time; Close, and the end of the ByteStream, at any time: what waits ends with
// NetworkError, std::errc::operation_canceled. A forked child has no use of the
// streams of its parent but to drop them.
// Errors: NetworkError (reset, broken pipe, ...), StreamEnded, TimeoutError,
// Cancelled; BadArgument for a second reader or writer at once, one that was
// never opened, and nothing to read into.
#ifndef MOBULA_API_MOBULA_IO_BYTE_STREAM_H_
#define MOBULA_API_MOBULA_IO_BYTE_STREAM_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "api/mobula/coro/detail/io_wait.h"
#include "api/mobula/io/detail/shared_descriptor.h"
#include "api/mobula/timeout.h"

namespace mobula {
namespace detail {

struct StreamState;
using StreamPtr = std::shared_ptr<StreamState>;

// What the operations have in common: a turn at their side of the stream.
class StreamWait : public IoWait {
 protected:
  StreamWait(StreamPtr stream, Direction direction, Timeout timeout);
  ~StreamWait() override;

  void Begin() override;
  // Of a call of the system that failed.
  [[nodiscard]] Attempt FailedAttempt();
  // Throws unless it was granted and went well.
  void FinishWell(const char* what);
  void EndTurn();
  [[noreturn]] void ThrowEnded(const char* what) const;

  const StreamPtr stream_;
  int error_ = 0;

 private:
  const bool is_reader_;
  bool has_turn_ = false;
};

class ReadWait final : public StreamWait {
 public:
  ReadWait(StreamPtr stream, std::span<char> into, bool all, Timeout timeout);
  std::size_t await_resume();

 private:
  Attempt Try() noexcept override;

  const std::span<char> into_;
  const bool all_;
  std::size_t done_ = 0;
  bool ended_ = false;
};

class ReadUntilWait final : public StreamWait {
 public:
  ReadUntilWait(StreamPtr stream, std::string_view delimiter,
                std::size_t bytes_max, Timeout timeout);
  std::optional<std::string> await_resume();

 private:
  Attempt Try() noexcept override;
  [[nodiscard]] bool Find();

  const std::string delimiter_;
  const std::size_t bytes_max_;
  std::size_t searched_ = 0;
  std::size_t found_ = 0;  // with the delimiter
  bool ended_ = false;
};

class ReadAllWait final : public StreamWait {
 public:
  ReadAllWait(StreamPtr stream, std::size_t bytes_max, Timeout timeout);
  std::string await_resume();

 private:
  Attempt Try() noexcept override;

  const std::size_t bytes_max_;
};

class WriteWait final : public StreamWait {
 public:
  WriteWait(StreamPtr stream, std::string_view bytes, Timeout timeout);
  void await_resume();

 private:
  void Begin() override;
  Attempt Try() noexcept override;

  const std::string_view bytes_;
  std::size_t done_ = 0;
};

}  // namespace detail

class ByteStream {
 public:
  ByteStream() = default;  // closed
  ByteStream(ByteStream&&) noexcept = default;
  ByteStream& operator=(ByteStream&& other) noexcept;
  // Close.
  ~ByteStream();

  // What there is, one byte at least, as soon as there is one; 0 at the end.
  [[nodiscard]] auto Read(std::span<char> into, Timeout timeout = {}) {
    return detail::ReadWait(state_, into, /*all=*/false, timeout);
  }
  // All of it. StreamEnded if the stream ends before.
  [[nodiscard]] auto ReadExactly(std::span<char> into, Timeout timeout = {}) {
    return detail::ReadWait(state_, into, /*all=*/true, timeout);
  }
  // Up to the first `delimiter` and with it; nothing if the stream ends where a
  // piece would begin. StreamEnded if it ends inside of one; NetworkError,
  // std::errc::message_size, if there is none within `bytes_max` bytes: they
  // can still be read.
  [[nodiscard]] auto ReadUntil(std::string_view delimiter,
                               std::size_t bytes_max, Timeout timeout = {}) {
    return detail::ReadUntilWait(state_, delimiter, bytes_max, timeout);
  }
  // To the end. std::errc::message_size if it has more than `bytes_max` bytes.
  [[nodiscard]] auto ReadAll(std::size_t bytes_max, Timeout timeout = {}) {
    return detail::ReadAllWait(state_, bytes_max, timeout);
  }
  // All of it is with the system then, not with the other side.
  [[nodiscard]] auto WriteAll(std::string_view bytes, Timeout timeout = {}) {
    return detail::WriteWait(state_, bytes, timeout);
  }

  // The other side finds the end of the stream once it has read all; this one
  // can still read.
  void ShutdownWrite();
  // Twice is once.
  void Close();
  [[nodiscard]] bool is_open() const;

  // "127.0.0.1:4321", a path; "" where it has none.
  [[nodiscard]] std::string local() const;
  [[nodiscard]] std::string peer() const;

 protected:
  explicit ByteStream(detail::StreamPtr state) : state_(std::move(state)) {}
  // Throws as the operations do if it is closed.
  [[nodiscard]] detail::DescriptorPtr descriptor() const;

 private:
  friend struct ByteStreamAccess;
  detail::StreamPtr state_;
};

// The library's own way into a ByteStream. Not for users.
struct ByteStreamAccess {
  static ByteStream Make(detail::StreamPtr state) {
    return ByteStream(std::move(state));
  }
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_BYTE_STREAM_H_
