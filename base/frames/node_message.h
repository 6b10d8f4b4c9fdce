// What the raylets of two nodes say to one another (NodeLines carries it).
//
// A process of one node that has to do with another node is introduced there
// first, and is a process like any other to the raylet there from then on: what
// it asks comes as Pass, what it is told goes back as Pass, and ProcessLeft is
// its end. Two processes of two nodes talk through a channel: each has a socket
// whose other end its own raylet holds, and the raylets carry the bytes.
//
//   Introduce, ProcessLeft, Pass                 processes and their raylets
//   HostsJob -> home; EndJobThere -> host; JobLeft -> home
//   OpenChannel (answered by CloseChannel where the other one is not there),
//   ChannelBytes, ChannelCredit, CloseChannel
//   WantProgram (ProgramPart ..., ProgramLacking)
//   WantExtent (ExtentPart ..., ExtentLost), ExtentTaken, EndWant
// Messages of one lane arrive in order, once, or not at all when one of the two
// raylets is given up (docs/decisions/0027-between-nodes.md). Parts go by the
// lane of bulk, everything else by that of control.
// Threading: values.
#ifndef MOBULA_BASE_FRAMES_NODE_MESSAGE_H_
#define MOBULA_BASE_FRAMES_NODE_MESSAGE_H_

#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/failure.h"
#include "base/frames/message.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::base {

// ---- processes --------------------------------------------------------------

// A process of the sender's node, before anything else that names it; said
// again where more is known.
struct Introduce {
  ProcessId process;
  Role role = Role::kWorker;
  std::int32_t pid = 0;
  std::string name;  // for people: its executable's file name
  // Of its job.
  JobId job;
  NodeId home;       // where its driver is
  ProcessId driver;  // nil: it is a detached actor's
  std::string ns;    // of its actors' names
  std::int32_t weight = 1;
  std::string program;  // content hash of the executable, "" if not known
};

// A process of the sender's node has ended. Not before all that it said.
struct ProcessLeft {
  ProcessId process;
  bool job_over = false;  // and with it its whole job
};

// `from`, nil for the raylet itself, is of the sender's node; `to`, nil for the
// raylet itself, of the receiver's.
struct Pass {
  ProcessId from;
  ProcessId to;
  Message message;
};

// ---- jobs -------------------------------------------------------------------

// To the job's home: the sender has something of it, and wants to be told its
// end.
struct HostsJob {
  JobId job;
};
// From its home: its workers there are to end. Answered by JobLeft when none is
// left, also where none ever was.
struct EndJobThere {
  JobId job;
};
struct JobLeft {
  JobId job;
};

// ---- channels ---------------------------------------------------------------
// One for each pair of processes; `from` is of the sender's node. Where both
// ends open it at once there is one all the same. Each end may have
// kChannelCredit bytes on their way, and more as ChannelCredit gives back what
// was taken.

inline constexpr std::uint64_t kChannelCredit = 1 << 20;

struct OpenChannel {
  ProcessId from;
  ProcessId to;
};
struct ChannelBytes {
  ProcessId from;
  ProcessId to;
  Bytes bytes;
};
// So many more bytes may come to `from`.
struct ChannelCredit {
  ProcessId from;
  ProcessId to;
  std::uint64_t byte_count = 0;
};
// `from` has ended, or its raylet gives the channel up. Answered once by the
// same; until then what still comes of it is dropped, so that a new channel of
// these two never sees the bytes of the one before.
struct CloseChannel {
  ProcessId from;
  ProcessId to;
};

// ---- programs ---------------------------------------------------------------

struct WantProgram {
  std::string program;  // content hash, hex
};
struct ProgramPart {
  std::string program;
  std::uint64_t offset = 0;
  std::uint64_t byte_count = 0;  // of the whole
  Bytes bytes;
};
struct ProgramLacking {
  std::string program;
  std::string reason;
};

// ---- values -----------------------------------------------------------------

// `want` is the asking raylet's number for it.
struct WantExtent {
  std::uint64_t want = 0;
  ObjectName object;
  Extent extent;
};
struct ExtentPart {
  std::uint64_t want = 0;
  std::uint64_t offset = 0;  // in the value
  Bytes bytes;
};
struct ExtentLost {
  std::uint64_t want = 0;
  Failure failure;
};
// So many bytes have been taken in, and as many more may come.
struct ExtentTaken {
  std::uint64_t want = 0;
  std::uint64_t byte_count = 0;
};
struct EndWant {
  std::uint64_t want = 0;
};

using NodeMessage =
    std::variant<Introduce, ProcessLeft, Pass, HostsJob, EndJobThere, JobLeft,
                 OpenChannel, ChannelBytes, ChannelCredit, CloseChannel,
                 WantProgram, ProgramPart, ProgramLacking, WantExtent,
                 ExtentPart, ExtentLost, ExtentTaken, EndWant>;

// Of a part of a program or value, at most.
inline constexpr std::uint64_t kPartBytesMax = 256 << 10;

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_NODE_MESSAGE_H_
