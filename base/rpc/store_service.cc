#include "base/rpc/store_service.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/rpc/grpc_start.h"
#include "base/rpc/read_pacer.h"
#include "proto/control_store.grpc.pb.h"

namespace mobula::base {
namespace {

using control::Answer;
using control::Frames;
using control::Question;
using Kind = StreamEvent::Kind;

constexpr int kStreamsMax = 64;  // of one connection
constexpr std::size_t kQuotaBytes = std::size_t{512} << 20;

// Of gRPC's name for a peer: "unix-abstract:0001f" is one that the kernel
// named.
std::string NameOf(const grpc::CallbackServerContext& context) {
  constexpr std::string_view kNamed = "unix-abstract:";
  const std::string peer = context.peer();
  return peer.starts_with(kNamed) ? peer.substr(kNamed.size()) : "";
}

StreamEvent MakeEvent(Kind kind, std::uint64_t stream, bool ok = true) {
  StreamEvent event;
  event.kind = kind;
  event.stream = stream;
  event.ok = ok;
  return event;
}

class ServerStream : public grpc::ServerBidiReactor<Frames, Frames>,
                     public FrameTransport {
 public:
  ServerStream(grpc::CallbackServerContext* context,
               std::shared_ptr<StreamEvents> events)
      : context_(context),
        events_(std::move(events)),
        id_(events_->NextStream()) {}

  [[nodiscard]] std::uint64_t id() const { return id_; }
  // Nobody else has it: it ends by itself.
  void RefuseAlone() {
    alone_ = true;
    Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "it is ending"));
  }

  void Begin() override {
    arriving_ = std::make_unique<Frames>();
    StartRead(arriving_.get());
  }
  void Write(const Frames* frames) override { StartWrite(frames); }
  void OnHandled(std::size_t bytes) override {
    if (pacer_.OnHandled(bytes)) Begin();
  }
  void End(bool cut) override {
    // Once it is finished the context may be gone.
    if (std::exchange(finished_, true)) return;
    if (cut) context_->TryCancel();
    Finish(cut ? grpc::Status::CANCELLED : grpc::Status::OK);
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return Push(MakeEvent(Kind::kReadEnd, id_));
    StreamEvent event = MakeEvent(Kind::kFrames, id_);
    event.frames = std::move(arriving_);
    const bool more = pacer_.OnRead(event.frames->ByteSizeLong());
    Push(std::move(event));
    if (more) Begin();
  }
  void OnWriteDone(bool ok) override {
    Push(MakeEvent(Kind::kWritten, id_, ok));
  }
  void OnCancel() override { Push(MakeEvent(Kind::kCancelled, id_)); }
  void OnDone() override {
    if (alone_) {
      delete this;
      return;
    }
    // This object may be destroyed before Push returns.
    const std::shared_ptr<StreamEvents> events = events_;
    StreamEvent event = MakeEvent(Kind::kDone, id_);
    events->Push(event);
  }
  void Push(StreamEvent event) {
    if (!alone_) events_->Push(event);
  }

  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<StreamEvents> events_;
  const std::uint64_t id_;
  ReadPacer pacer_;
  std::unique_ptr<Frames> arriving_;
  bool finished_ = false;  // the strand's
  std::atomic<bool> alone_{false};
};

class ServerQuestion : public grpc::ServerUnaryReactor,
                       public QuestionTransport {
 public:
  ServerQuestion(const Question* question, control::Answer* answer,
                 std::shared_ptr<StreamEvents> events)
      : payload_(question->payload()),
        answer_(answer),
        events_(std::move(events)),
        id_(events_->NextStream()) {}

  [[nodiscard]] std::uint64_t id() const { return id_; }
  void RefuseAlone() {
    alone_ = true;
    Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "it is ending"));
  }

  [[nodiscard]] const std::string& payload() const override { return payload_; }
  void Answer(std::string payload) override {
    answer_->set_payload(std::move(payload));
    Finish(grpc::Status::OK);
  }
  void Refuse(const std::string& reason, bool again) override {
    Finish(grpc::Status(again ? grpc::StatusCode::UNAVAILABLE
                              : grpc::StatusCode::INVALID_ARGUMENT,
                        reason));
  }

 private:
  void OnCancel() override {
    StreamEvent event = MakeEvent(Kind::kCancelled, id_);
    if (!alone_) events_->Push(event);
  }
  void OnDone() override {
    if (alone_) {
      delete this;
      return;
    }
    const std::shared_ptr<StreamEvents> events = events_;
    StreamEvent event = MakeEvent(Kind::kDone, id_);
    events->Push(event);
  }

  const std::string payload_;
  control::Answer* const answer_;
  const std::shared_ptr<StreamEvents> events_;
  const std::uint64_t id_;
  std::atomic<bool> alone_{false};
};

class Service : public control::ControlStore::CallbackService {
 public:
  explicit Service(std::shared_ptr<StreamEvents> events)
      : events_(std::move(events)) {}

 private:
  grpc::ServerBidiReactor<Frames, Frames>* Connect(
      grpc::CallbackServerContext* context) override {
    auto stream = std::make_unique<ServerStream>(context, events_);
    ServerStream* const reactor = stream.get();
    StreamEvent event = MakeEvent(Kind::kOpened, reactor->id());
    event.transport = std::move(stream);
    event.from = NameOf(*context);
    if (!events_->Push(event)) {
      (void)event.transport.release();
      reactor->RefuseAlone();
    }
    return reactor;
  }
  grpc::ServerUnaryReactor* Call(grpc::CallbackServerContext* context,
                                 const Question* question,
                                 Answer* answer) override {
    auto call = std::make_unique<ServerQuestion>(question, answer, events_);
    ServerQuestion* const reactor = call.get();
    StreamEvent event = MakeEvent(Kind::kAsked, reactor->id());
    event.question = std::move(call);
    event.from = NameOf(*context);
    if (!events_->Push(event)) {
      (void)event.question.release();
      reactor->RefuseAlone();
    }
    return reactor;
  }

  const std::shared_ptr<StreamEvents> events_;
};

}  // namespace

struct StoreService::Running {
  explicit Running(std::shared_ptr<StreamEvents> events)
      : service(std::move(events)) {
    StartGrpc();
    grpc::ServerBuilder builder;
    using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
    acceptor = builder.experimental().AddExternalConnectionAcceptor(
        Type::FROM_FD, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(kGrpcMessageBytesMax);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsMax);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    builder.SetResourceQuota(
        grpc::ResourceQuota("control store").Resize(kQuotaBytes));
    server = builder.BuildAndStart();
    MOBULA_CHECK(server != nullptr, "gRPC did not start");
  }

  Service service;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor;
  std::unique_ptr<grpc::Server> server;
};

StoreService::StoreService(std::shared_ptr<StreamEvents> events)
    : events_(std::move(events)) {}

StoreService::~StoreService() { Stop(); }

void StoreService::Serve(UniqueFd socket) {
  if (running_ == nullptr) running_ = std::make_unique<Running>(events_);
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
      connection;
  connection.fd = socket.Release();
  running_->acceptor->HandleNewConnection(&connection);
}

void StoreService::Stop() {
  if (running_ == nullptr) return;
  running_->server->Shutdown(std::chrono::system_clock::now());
  running_ = nullptr;
}

}  // namespace mobula::base
