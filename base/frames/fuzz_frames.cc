#include "base/frames/fuzz_frames.h"

#include <sys/socket.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/frames/frame.h"
#include "base/frames/hello.h"
#include "base/frames/link.h"
#include "base/frames/message_codec.h"
#include "base/strand.h"
#include "base/unique_fd.h"

namespace mobula::base {
namespace {

enum Choice : char {
  kMessage,
  kHello,
  kHeader,
  kStream,
  kAfterHello,
  kChoices
};

// Less than a socket holds, so that one write takes it.
constexpr std::size_t kStreamBytesMax = 64'000;

bool ReadMessage(std::string_view bytes) {
  Message message;
  std::string error;
  if (!DecodeMessage(Bytes::Own(std::string(bytes)), &message, &error)) {
    MOBULA_CHECK(!error.empty(), "refused without a reason");
    return false;
  }
  const Bytes again = Bytes::Own(EncodeMessage(message));
  Message copy;
  MOBULA_CHECK(DecodeMessage(again, &copy, &error)) << error;
  MOBULA_CHECK(EncodeMessage(copy) == again.view());
  return true;
}

bool ReadHello(std::string_view bytes) {
  Hello hello;
  std::string error;
  if (!DecodeHello(bytes, &hello, &error)) {
    MOBULA_CHECK(!error.empty(), "refused without a reason");
    return false;
  }
  Hello copy;
  MOBULA_CHECK(DecodeHello(EncodeHello(hello), &copy, &error)) << error;
  MOBULA_CHECK(copy == hello);
  return true;
}

bool ReadHeader(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) return false;
  FrameHeader header;
  std::string error;
  if (!GetFrameHeader(bytes, &header, &error)) {
    MOBULA_CHECK(!error.empty(), "refused without a reason");
    return false;
  }
  std::string copy(kFrameHeaderBytes, '\0');
  PutFrameHeader(header, copy.data());
  MOBULA_CHECK(copy == bytes.substr(0, kFrameHeaderBytes));
  return true;
}

std::string PeerHello() {
  Hello hello;
  hello.process = ProcessId{1, 2};
  hello.features = kFeatureRings;
  hello.window = 1024;
  const std::string payload = EncodeHello(hello);
  FrameHeader header;
  header.kind = FrameKind::kHello;
  header.length = static_cast<std::uint32_t>(payload.size());
  std::string bytes(kFrameHeaderBytes, '\0');
  PutFrameHeader(header, bytes.data());
  return bytes + payload;
}

// A peer that says this and ends.
bool ReadStream(std::string_view bytes) {
  bytes = bytes.substr(0, kStreamBytesMax);
  int fds[2];
  MOBULA_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  UniqueFd peer(fds[1]);
  Strand strand("fuzz");
  int messages = 0;
  int closed = 0;
  Link::Options options;
  options.self = ProcessId{1, 1};
  options.rings = true;
  Link link(strand, UniqueFd(fds[0]), options,
            {nullptr,
             [&messages, &closed](Message, UniqueFd) {
               MOBULA_CHECK(closed == 0);
               ++messages;
             },
             [&strand, &closed](const std::string& reason) {
               MOBULA_CHECK(!reason.empty());
               ++closed;
               strand.Stop();
             }});
  MOBULA_CHECK(::send(peer.get(), bytes.data(), bytes.size(), 0) ==
               static_cast<ssize_t>(bytes.size()));
  peer.Reset();
  strand.Run();
  MOBULA_CHECK(closed == 1);
  return messages > 0;
}

std::string DataFrame(std::uint64_t seq, const Message& message) {
  const std::string payload = EncodeMessage(message);
  FrameHeader header;
  header.seq = seq;
  header.credits = 1024;
  header.length = static_cast<std::uint32_t>(payload.size());
  std::string bytes(kFrameHeaderBytes, '\0');
  PutFrameHeader(header, bytes.data());
  return bytes + payload;
}

StreamItem SampleItem() {
  StreamItem item;
  item.task = TaskId{1, 7};
  item.stream = ObjectId{1, 8};
  item.value = Bytes::Own("item");
  return item;
}

RunTask SampleTask() {
  RunTask task;
  task.task = TaskId{1, 7};
  task.function = FunctionId{3, 4};
  task.args = {Bytes::Own("argument"), Bytes::Own("")};
  return task;
}

TaskDone SampleFailure() {
  Failure failure;
  failure.code = FailureCode::kWorkerDied;
  failure.message = "the worker ended";
  failure.log_tail = {"one", "two"};
  TaskDone done;
  done.task = TaskId{1, 7};
  done.outcome = failure;
  return done;
}

RequestLease SampleLease() {
  RequestLease request;
  request.lease = LeaseId{1, 9};
  request.shape = ResourceVector::Cpus(0.5).With("gpu", 1);
  return request;
}

ObjectsLost SampleLoss() {
  ObjectsLost lost;
  lost.objects = {{ObjectName{ObjectId{1, 2}, ProcessId{1, 1}},
                   Extent{ArenaId{5, 6}, 64, 4097, 1}}};
  return lost;
}

}  // namespace

bool ReadAnything(std::string_view bytes) {
  if (bytes.empty()) return false;
  const auto choice = static_cast<unsigned char>(bytes.front()) % kChoices;
  bytes.remove_prefix(1);
  switch (choice) {
    case kMessage:
      return ReadMessage(bytes);
    case kHello:
      return ReadHello(bytes);
    case kHeader:
      return ReadHeader(bytes);
    case kStream:
      return ReadStream(bytes);
    default:
      return ReadStream(PeerHello() + std::string(bytes));
  }
}

std::vector<std::string> FrameSeeds() {
  const std::vector<Message> messages = {
      SampleTask(), SampleFailure(), SampleLease(),
      Retire{},     SampleLoss(),    TaskAside{TaskId{1, 7}, 5},
      SampleItem()};
  std::vector<std::string> seeds;
  std::string stream;
  for (const Message& message : messages) {
    seeds.push_back(std::string(1, kMessage) + EncodeMessage(message));
    stream += DataFrame(seeds.size(), message);
  }
  const std::string hello = PeerHello();
  seeds.push_back(std::string(1, kHello) + hello.substr(kFrameHeaderBytes));
  seeds.push_back(std::string(1, kHeader) + hello.substr(0, kFrameHeaderBytes));
  seeds.push_back(std::string(1, kStream) + hello + stream);
  seeds.push_back(std::string(1, kAfterHello) + stream);
  return seeds;
}

}  // namespace mobula::base
