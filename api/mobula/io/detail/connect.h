// Connect waits until a socket is connected. Not for users.
// Threading: a coroutine. Errors: NetworkError, TimeoutError, Cancelled.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_CONNECT_H_
#define MOBULA_API_MOBULA_IO_DETAIL_CONNECT_H_

#include <string>
#include <vector>

#include "api/mobula/coro/coro.h"
#include "api/mobula/io/byte_stream.h"
#include "api/mobula/io/detail/endpoint.h"
#include "api/mobula/timeout.h"

namespace mobula::detail {

// To the first of them that accepts. `name` is what errors call it.
[[nodiscard]] Coro<StreamPtr> Connect(std::vector<Endpoint> endpoints,
                                      std::string name, Timeout timeout);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_CONNECT_H_
