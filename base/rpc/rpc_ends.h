// A control store that echoes and a raylet that listens, for tests: real
// sockets, each end on a strand of its own.
//
//   EchoStore store({.epoch = 1});     store.Listen("unix:/tmp/s");
//   EchoClient client("unix:/tmp/s");  client.story.WaitFor("up 1");
// What an end was told stands in its story, a line an event, in order:
//   store   open PEER | renew N | call REQUEST | lost PEER REASON
//   client  up EPOCH CLUSTER | renewed N | down REASON | refused REASON
// Threading: the test's thread.
#ifndef MOBULA_BASE_RPC_RPC_ENDS_H_
#define MOBULA_BASE_RPC_RPC_ENDS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/boot_time.h"
#include "base/mutex.h"
#include "base/rpc/control_client.h"
#include "base/rpc/control_server.h"
#include "base/strand.h"
#include "base/thread_annotations.h"
#include "base/tls/tls_context.h"
#include "base/unique_fd.h"

namespace mobula::base {

class Story {
 public:
  void Tell(std::string line);
  // Whether there come to be `count` lines that begin so.
  bool WaitFor(const std::string& start, std::size_t count = 1);
  std::size_t Count(const std::string& start);
  std::vector<std::string> lines();
  // What is wrong with the lines `what`1, `what`2 ... up to `count`: "" if each
  // is there once, in order.
  std::string WrongOrder(const std::string& what, std::size_t count);

 private:
  std::size_t CountLocked(const std::string& start) MOBULA_REQUIRES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> lines_ MOBULA_GUARDED_BY(mutex_);
};

// Runs it on the strand and waits.
void RunOn(Strand& strand, const std::function<void()>& closure);

// A RenewNode, `bytes` long or a little more.
ControlMessage Renewal(std::uint64_t sequence);

class EchoStore {
 public:
  struct Options {
    std::uint64_t epoch = 1;
    std::string token;
    std::size_t connections_max = 4096;
    Duration handshake_timeout = std::chrono::seconds(3);
    Duration lost_after = std::chrono::seconds(30);
    WallClock clock = WallNowS;
  };
  explicit EchoStore(const Options& options);
  ~EchoStore();

  // The address, or "error: ...".
  std::string Listen(const std::string& where);
  // By TLS. Its story then has also
  //   admitted NODE | turned away NODE REASON | asked NODE BODY (echoed)
  std::string ListenTls(const std::string& where,
                        std::shared_ptr<const TlsContext> context);
  void Adopt(UniqueFd socket);
  void Pause(bool paused);
  void Send(ProcessId peer, const ControlMessage& message);
  void Close(ProcessId peer, const std::string& reason);

  Story story;
  std::atomic<bool> answering{true};  // calls

 private:
  void OnMessage(ProcessId peer, const ControlMessage& message);

  Strand strand_;
  std::unique_ptr<ControlServer> server_;
};

class EchoClient {
 public:
  static constexpr ProcessId kProcess{1, 1};

  struct Options {
    std::string where;
    std::string token;
    ProcessId self = kProcess;
    Duration handshake_timeout = std::chrono::seconds(3);
    std::size_t queued_bytes_max = std::size_t{64} << 20;
    bool tells_failures = false;  // "failed REASON" in its story
    // In place of connecting to `where`.
    std::function<UniqueFd(std::string* error)> connect;
  };
  explicit EchoClient(const std::string& where);
  explicit EchoClient(const Options& options);
  ~EchoClient();

  void Send(const ControlMessage& message);
  // Renewals first..last, in one turn.
  void SendRenewals(std::uint64_t first, std::uint64_t last);
  void Break();  // its connection

  Story story;

 private:
  Strand strand_;
  UniqueFd socket_;  // a second descriptor of the last one
  std::unique_ptr<ControlClient> client_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_RPC_ENDS_H_
