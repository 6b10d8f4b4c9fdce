// ClientGreeting is the client's end of the handshake before HTTP/2, over a
// non-blocking socket that may still be connecting.
//
//   ClientGreeting greeting(fd, token);
//   while (greeting.Continue() == wants to write | wants to read)
//     wait for that;                                  // done | failed
// Owner: ControlClient on its strand, CallControl on its caller's thread.
// Threading: none; never blocks.
// Failure: kFailed, error() says why, refused() whether the store said no.
#ifndef MOBULA_BASE_RPC_CLIENT_GREETING_H_
#define MOBULA_BASE_RPC_CLIENT_GREETING_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace mobula::base {

// Of somebody else's door, most often.
inline constexpr char kSilence[] =
    "it accepts, but does not answer as a control store";

class ClientGreeting {
 public:
  enum class Step : std::uint8_t { kWrite, kRead, kDone, kFailed };

  // `fd` is the owner's and stays open meanwhile.
  ClientGreeting(int fd, std::string_view token);

  Step Continue();
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] bool refused() const { return refused_; }

 private:
  Step Fail(std::string error);
  Step Judge();

  int fd_;
  std::string to_write_;
  std::string answer_;
  std::string error_;
  bool refused_ = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_CLIENT_GREETING_H_
