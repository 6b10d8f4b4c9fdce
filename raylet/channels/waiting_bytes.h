// WaitingBytes are those that a socket has not taken yet, in order.
//
// Larger pieces are shared, not copied; small ones are gathered, so that a
// million of one byte take no more memory than one of a million.
// Owner: Channels, one a channel. Threading: none; on its owner's strand. How
// many there may be is its owner's matter.
#ifndef MOBULA_RAYLET_CHANNELS_WAITING_BYTES_H_
#define MOBULA_RAYLET_CHANNELS_WAITING_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "base/bytes.h"

namespace mobula::raylet {

class WaitingBytes {
 public:
  enum class Result : std::uint8_t {
    kDone,    // nothing waits any more
    kFull,    // the socket takes no more now
    kBroken,  // nor ever
  };

  void Add(base::Bytes bytes);
  // Writes what the socket takes now, without waiting for it; adds to
  // `*taken_bytes` how many that were.
  [[nodiscard]] Result SendTo(int socket, std::uint64_t* taken_bytes);
  [[nodiscard]] bool empty() const { return pieces_.empty() && small_.empty(); }

 private:
  void CloseSmall();
  void Remove(std::size_t byte_count);

  std::deque<base::Bytes> pieces_;
  std::size_t first_written_ = 0;  // of the first piece
  std::string small_;              // after all pieces
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_CHANNELS_WAITING_BYTES_H_
