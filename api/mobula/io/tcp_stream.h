// TcpStream is a connection over TCP (byte_stream.h).
//
//   auto connect = mobula::TcpStream::Connect("example.org", 80, 2s);
//   mobula::TcpStream server = co_await connect;
//   co_await server.WriteAll("GET / HTTP/1.0\r\n\r\n");
//   std::string page = co_await server.ReadAll(1 << 20, 5s);
//
// The bytes are not encrypted, and nobody is who he says. Threading, errors: as
// of ByteStream; Connect throws NetworkError where nobody listens or there is
// no such host, and TimeoutError.
#ifndef MOBULA_API_MOBULA_IO_TCP_STREAM_H_
#define MOBULA_API_MOBULA_IO_TCP_STREAM_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/io/byte_stream.h"
#include "api/mobula/timeout.h"

namespace mobula {

class TcpStream : public ByteStream {
 public:
  TcpStream() = default;  // closed

  // The host is a name or an address ("::1"). Of several addresses of a name
  // each is tried in turn, within `timeout` for all of it; without a timeout as
  // long as the system tries.
  [[nodiscard]] static Coro<TcpStream> Connect(std::string host,
                                               std::uint16_t port,
                                               Timeout timeout = {});

  // Whether small writes are sent at once instead of being gathered while
  // others are under way. Default: not.
  void SetNoDelay(bool no_delay = true);
  // Asks whether the other side is still there after so much silence, and
  // three times more; then reads fail with std::errc::timed_out. Without it one
  // that has vanished without a word (its machine lost power) is noticed by
  // writing only, or by a timeout of the reads. 1 s to 9 h; zero: not
  // (default).
  void SetKeepAlive(std::chrono::seconds silence);

 private:
  friend class TcpListener;
  explicit TcpStream(detail::StreamPtr state) : ByteStream(std::move(state)) {}
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_TCP_STREAM_H_
