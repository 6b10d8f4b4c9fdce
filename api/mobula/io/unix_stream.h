// UnixStream is a connection over a Unix socket of this machine
// (byte_stream.h).
//
//   auto connect = mobula::UnixStream::Connect("/run/app.sock", 1s);
//   mobula::UnixStream app = co_await connect;
//
// Threading, errors: as of ByteStream; Connect throws NetworkError where nobody
// listens, BadArgument for a path of more than 107 bytes, TimeoutError.
#ifndef MOBULA_API_MOBULA_IO_UNIX_STREAM_H_
#define MOBULA_API_MOBULA_IO_UNIX_STREAM_H_

#include <string>
#include <utility>

#include "api/mobula/coro/coro.h"
#include "api/mobula/io/byte_stream.h"
#include "api/mobula/timeout.h"

namespace mobula {

class UnixStream : public ByteStream {
 public:
  UnixStream() = default;  // closed

  // "@name" is a name that has no file.
  [[nodiscard]] static Coro<UnixStream> Connect(std::string path,
                                                Timeout timeout = {});

 private:
  friend class UnixListener;
  explicit UnixStream(detail::StreamPtr state) : ByteStream(std::move(state)) {}
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_UNIX_STREAM_H_
