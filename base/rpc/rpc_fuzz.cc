// Bytes from outside, to all of this folder that reads them: the first byte
// chooses a greeting, an admission, or frames that arrive in a session.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/rpc/frame_stream.h"
#include "base/rpc/greeting.h"
#include "base/rpc/peer_session.h"
#include "base/rpc/stream_events.h"
#include "base/strand.h"
#include "proto/control_store.pb.h"

namespace mobula::base {
namespace {

// Takes what is written and never says that it has left.
class NoTransport : public FrameTransport {
 public:
  void Begin() override {}
  void Write(const control::Frames* /*frames*/) override {}
  void OnHandled(std::size_t /*bytes*/) override {}
  void End(bool /*cut*/) override {}
};

void ReadGreeting(std::string bytes) {
  bytes.resize(kGreetingBytes);
  const Admission admission = JudgeGreeting(bytes, "token");
  const bool admitted = admission.code == AdmissionCode::kAdmitted;
  MOBULA_CHECK(admitted == admission.reason.empty());
  MOBULA_CHECK(!admitted || bytes == EncodeGreeting("token"));
}

void ReadAdmission(std::string bytes) {
  bytes.resize(kAdmissionBytes);
  Admission admission;
  std::string error;
  if (!DecodeAdmission(bytes, &admission, &error)) {
    MOBULA_CHECK(!error.empty(), "refused without a reason");
  }
}

void ReadFrames(std::string_view bytes) {
  control::Frames frames;
  if (!frames.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return;
  }
  Strand strand("fuzz");
  const auto stream =
      std::make_shared<FrameStream>(strand, 1, std::make_unique<NoTransport>());
  int ended = 0;
  PeerSession::Callbacks callbacks;
  callbacks.on_message = [](const ControlMessage&) {};
  callbacks.on_ended = [&ended](const std::string& reason) {
    MOBULA_CHECK(!reason.empty());
    ++ended;
  };
  const PeerSession::Ends ends{1, {1, 1}, {2, 2}};
  const auto session =
      std::make_shared<PeerSession>(strand, ends, 1 << 20, callbacks);
  session->Attach(stream);
  session->Send(RenewNode{{7, 7}, 1});
  for (control::Frame& frame : *frames.mutable_frames()) {
    session->OnFrame(frame);
  }
  MOBULA_CHECK(ended <= 1, "a session ends once");
}

void Read(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::string_view rest = bytes.substr(1);
  switch (bytes[0] % 3) {
    case 0:
      return ReadGreeting(std::string(rest));
    case 1:
      return ReadAdmission(std::string(rest));
    default:
      return ReadFrames(rest);
  }
}

}  // namespace
}  // namespace mobula::base

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  mobula::base::Read(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
