#include "base/rpc/store_channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_callback.h>

#include <chrono>
#include <utility>

#include "base/rpc/grpc_start.h"
#include "base/rpc/read_pacer.h"
#include "proto/control_store.grpc.pb.h"

namespace mobula::base {
namespace {

using control::Frames;
using Kind = StreamEvent::Kind;

std::shared_ptr<grpc::Channel> ChannelOver(UniqueFd socket) {
  StartGrpc();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kGrpcMessageBytesMax);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomInsecureChannelFromFd("control-store",
                                                 socket.Release(), arguments);
}

class ClientStream : public grpc::ClientBidiReactor<Frames, Frames>,
                     public FrameTransport {
 public:
  ClientStream(UniqueFd socket, std::uint64_t id,
               std::shared_ptr<StreamEvents> events)
      : channel_(ChannelOver(std::move(socket))),
        stub_(control::ControlStore::NewStub(channel_)),
        events_(std::move(events)),
        id_(id) {
    stub_->async()->Connect(&context_, this);
    AddHold();  // until End: the strand may write at any time
  }

  void Begin() override {
    Read();
    StartCall();
  }
  void Write(const Frames* frames) override { StartWrite(frames); }
  void OnHandled(std::size_t bytes) override {
    if (pacer_.OnHandled(bytes)) Read();
  }
  void End(bool cut) override {
    if (cut) context_.TryCancel();
    if (std::exchange(ended_, true)) return;
    if (!cut) StartWritesDone();
    RemoveHold();
  }

 private:
  void Read() {
    arriving_ = std::make_unique<Frames>();
    StartRead(arriving_.get());
  }
  void OnReadDone(bool ok) override {
    StreamEvent event;
    event.stream = id_;
    event.kind = ok ? Kind::kFrames : Kind::kReadEnd;
    bool more = false;
    if (ok) {
      event.frames = std::move(arriving_);
      more = pacer_.OnRead(event.frames->ByteSizeLong());
    }
    events_->Push(event);
    if (more) Read();
  }
  void OnWriteDone(bool ok) override {
    StreamEvent event;
    event.stream = id_;
    event.kind = Kind::kWritten;
    event.ok = ok;
    events_->Push(event);
  }
  void OnDone(const grpc::Status& status) override {
    // This object may be destroyed before Push returns.
    const std::shared_ptr<StreamEvents> events = events_;
    StreamEvent event;
    event.stream = id_;
    event.kind = Kind::kDone;
    event.reason = status.error_message();
    events->Push(event);
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<control::ControlStore::Stub> stub_;
  grpc::ClientContext context_;
  const std::shared_ptr<StreamEvents> events_;
  const std::uint64_t id_;
  ReadPacer pacer_;
  std::unique_ptr<Frames> arriving_;
  bool ended_ = false;  // the strand's
};

}  // namespace

std::unique_ptr<FrameTransport> OpenStream(
    UniqueFd socket, std::uint64_t stream,
    std::shared_ptr<StreamEvents> events) {
  return std::make_unique<ClientStream>(std::move(socket), stream,
                                        std::move(events));
}

AskResult Ask(UniqueFd socket, const std::string& question, Duration timeout,
              std::string* answer_or_error) {
  const auto channel = ChannelOver(std::move(socket));
  const auto stub = control::ControlStore::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(
      std::chrono::system_clock::now() +
      std::chrono::duration_cast<std::chrono::microseconds>(timeout));
  control::Question request;
  request.set_payload(question);
  control::Answer answer;
  const grpc::Status status = stub->Call(&context, request, &answer);
  if (status.ok()) {
    *answer_or_error = std::move(*answer.mutable_payload());
    return AskResult::kAnswered;
  }
  *answer_or_error = status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return AskResult::kLate;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return AskResult::kRefused;
    default:
      return AskResult::kBroken;
  }
}

}  // namespace mobula::base
