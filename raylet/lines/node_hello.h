// NodeHello is what a raylet says first on each connection to another one, and
// NodeWelcome what that answers; then the messages go one way, and their
// acknowledgements the other.
//
//   dialler -> acceptor   "MOBN", version of these two, version of the
//                         messages (base/frames/hello.h), NodeHello
//   acceptor -> dialler   the same, NodeWelcome
// Each is the payload of a kHello frame. The first twelve bytes never change:
// who is of another version learns so.
// Threading: values and pure functions.
// Failure: Decode functions say false, and why, for whatever is none.
#ifndef MOBULA_RAYLET_LINES_NODE_HELLO_H_
#define MOBULA_RAYLET_LINES_NODE_HELLO_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace mobula::raylet {

inline constexpr std::uint32_t kLinesVersion = 1;
// Of either of them, encoded.
inline constexpr std::size_t kNodeHelloBytesMax = 2048;

// Each has a connection of its own: what is large holds up nothing else.
enum class Lane : std::uint8_t { kControl = 0, kBulk };
inline constexpr std::size_t kLanes = 2;

struct NodeHello {
  base::ClusterId cluster;
  base::NodeId from;
  base::ProcessId raylet;  // of `from`
  base::NodeId to;
  Lane lane = Lane::kControl;
  std::uint64_t epoch = 0;  // of the dialler's line (line_life.h)
  std::uint64_t seen = 0;   // the acceptor's, 0 if it is not known
  std::uint64_t over = 0;   // the acceptor's up to it are given up
};

enum class NodeRefusal : std::uint8_t {
  kNone = 0,  // welcome
  kStale,     // that line has been given up
  kNotKnown,  // the store has told nothing of that node, yet
  kOther,     // another cluster, node, certificate, version
};

struct NodeWelcome {
  NodeRefusal refusal = NodeRefusal::kNone;
  std::string reason;          // for people
  std::uint64_t epoch = 0;     // of the acceptor's line
  std::uint64_t received = 0;  // of this lane, everything up to it
};

std::string EncodeNodeHello(const NodeHello& hello);
[[nodiscard]] bool DecodeNodeHello(std::string_view bytes, NodeHello* hello,
                                   std::string* error);
std::string EncodeNodeWelcome(const NodeWelcome& welcome);
[[nodiscard]] bool DecodeNodeWelcome(std::string_view bytes,
                                     NodeWelcome* welcome, std::string* error);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_NODE_HELLO_H_
