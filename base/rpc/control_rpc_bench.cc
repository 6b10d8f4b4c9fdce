// What a line to the control store costs: a message there and back, one at a
// time and many in flight, and a single call, over a Unix socket. CPU is that
// of both ends, gRPC's threads included.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/control/control_address.h"
#include "base/mutex.h"
#include "base/rpc/control_call.h"
#include "base/rpc/control_client.h"
#include "base/rpc/control_server.h"
#include "base/strand.h"

namespace mobula::base {
namespace {

double CpuMicroseconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 +
           static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

ControlMessage Renewal() {
  RenewNode renew;
  renew.node = {7, 7};
  return renew;
}

// A store that answers each message by one, and a client that counts answers
// and sends the next, as long as there are some to send.
class Line {
 public:
  Line() : store_("store"), client_("client") {
    std::string pattern = "/tmp/rpcbenchXXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::string error;
    address = *ControlAddress::Parse("unix:" + folder_ + "/s", &error);
    StartStore();
    StartClient();
    store_.StartThread();
    client_.StartThread();
    MutexLock lock(mutex_);
    while (!up_) changed_.Wait(mutex_);
  }
  ~Line() {
    client_.Post([this] {
      line_ = nullptr;
      client_.Stop();
    });
    client_.Join();
    store_.Post([this] {
      server_ = nullptr;
      store_.Stop();
    });
    store_.Join();
    std::filesystem::remove_all(folder_);
  }

  // `count` messages there and back, `in_flight` at a time.
  void Exchange(std::int64_t count, std::int64_t in_flight) {
    client_.Post([this, count, in_flight] {
      left_ = count;
      to_send_ = count;
      for (std::int64_t i = 0; i < in_flight; ++i) SendOne();
    });
    MutexLock lock(mutex_);
    while (!done_) changed_.Wait(mutex_);
    done_ = false;
  }

  ControlAddress address;

 private:
  void StartStore() {
    ControlServer::Options options;
    options.self = {1, 1};
    options.epoch = 1;
    ControlServer::Callbacks callbacks;
    callbacks.on_open = [](ProcessId) {};
    callbacks.on_lost = [](ProcessId, const std::string&) {};
    callbacks.on_message = [this](ProcessId peer,
                                  const ControlMessage& message) {
      if (const auto* call = std::get_if<ControlCall>(&message)) {
        ControlAnswer answer;
        answer.request = call->request;
        answer.to = call->from;
        answer.body = Done();
        return server_->Send(peer, answer);
      }
      server_->Send(peer, Renewal());
    };
    server_ =
        std::make_unique<ControlServer>(store_, options, std::move(callbacks));
    std::string error;
    ControlAddress bound;
    MOBULA_CHECK(server_->Listen(address, &bound, &error)) << error;
  }
  void StartClient() {
    ControlClient::Options options;
    options.self = {2, 2};
    options.connect = [this](std::string* error) {
      return ConnectControl(address, error);
    };
    ControlClient::Callbacks callbacks;
    callbacks.on_up = [this](std::uint64_t, ClusterId) {
      MutexLock lock(mutex_);
      up_ = true;
      changed_.NotifyOne();
    };
    callbacks.on_down = [](const std::string& reason) {
      MOBULA_CHECK(false) << reason;
    };
    callbacks.on_message = [this](const ControlMessage&) {
      SendOne();
      if (--left_ > 0) return;
      MutexLock lock(mutex_);
      done_ = true;
      changed_.NotifyOne();
    };
    line_ =
        std::make_unique<ControlClient>(client_, options, std::move(callbacks));
  }
  void SendOne() {
    if (to_send_ == 0) return;
    --to_send_;
    line_->Send(Renewal());
  }

  std::string folder_;
  Strand store_;
  Strand client_;
  std::unique_ptr<ControlServer> server_;
  std::unique_ptr<ControlClient> line_;
  std::int64_t left_ = 0;
  std::int64_t to_send_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool up_ MOBULA_GUARDED_BY(mutex_) = false;
  bool done_ MOBULA_GUARDED_BY(mutex_) = false;
};

void ThereAndBack(benchmark::State& state) {
  Line line;
  const std::int64_t in_flight = state.range(0);
  constexpr std::int64_t kBatch = 4096;
  const std::int64_t batch = in_flight == 1 ? 64 : kBatch;
  const double before = CpuMicroseconds();
  std::int64_t count = 0;
  while (state.KeepRunningBatch(batch)) {
    line.Exchange(batch, in_flight);
    count += batch;
  }
  state.SetItemsProcessed(count);
  state.counters["cpu_us"] =
      (CpuMicroseconds() - before) / static_cast<double>(count);
}
BENCHMARK(ThereAndBack)->Arg(1)->Arg(16)->Arg(256)->UseRealTime();

void OneCall(benchmark::State& state) {
  Line line;
  const double before = CpuMicroseconds();
  for (auto _ : state) {
    const ControlReply reply =
        CallControl(line.address, "", GetStatus(), std::chrono::seconds(5));
    MOBULA_CHECK(std::holds_alternative<Done>(reply));
  }
  state.counters["cpu_us"] =
      (CpuMicroseconds() - before) / static_cast<double>(state.iterations());
}
BENCHMARK(OneCall)->UseRealTime();

}  // namespace
}  // namespace mobula::base

BENCHMARK_MAIN();
