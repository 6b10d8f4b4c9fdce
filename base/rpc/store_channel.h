// StoreChannel is the client's side of gRPC over one connection that has been
// admitted: one stream, or one question.
//
// A channel never connects again: a new connection is a new one.
// Threading: OpenStream on the strand of `events`; Ask blocks its caller.
// Failure: what breaks ends the stream; Ask says why.
#ifndef MOBULA_BASE_RPC_STORE_CHANNEL_H_
#define MOBULA_BASE_RPC_STORE_CHANNEL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/boot_time.h"
#include "base/rpc/stream_events.h"
#include "base/unique_fd.h"

namespace mobula::base {

// Its events carry the number `stream`.
std::unique_ptr<FrameTransport> OpenStream(
    UniqueFd socket, std::uint64_t stream,
    std::shared_ptr<StreamEvents> events);

enum class AskResult : std::uint8_t {
  kAnswered,
  kLate,     // the time was over
  kBroken,   // the connection; another one may do better
  kRefused,  // the store does not understand the question
};
AskResult Ask(UniqueFd socket, const std::string& question, Duration timeout,
              std::string* answer_or_error);

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_STORE_CHANNEL_H_
