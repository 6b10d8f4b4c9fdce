#include "api/mobula/io/unix_stream.h"

#include <vector>

#include "api/mobula/io/detail/connect.h"
#include "api/mobula/io/detail/endpoint.h"

namespace mobula {

Coro<UnixStream> UnixStream::Connect(std::string path, Timeout timeout) {
  const std::vector<detail::Endpoint> endpoints(1, detail::UnixEndpoint(path));
  Coro<detail::StreamPtr> connect = detail::Connect(endpoints, path, timeout);
  co_return UnixStream(co_await connect);
}

}  // namespace mobula
