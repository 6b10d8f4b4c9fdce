// StoreService is the server's side of gRPC: connections that were admitted
// become streams and questions, which StreamEvents hands to the strand.
//
//   Start (on the first connection) -> Serve(socket) ... -> Stop
// Owner: ControlServer.   Threading: the strand; Stop blocks until gRPC's
// threads have left, which they do when each stream is done.
// Failure: what a client does wrong ends its stream.
#ifndef MOBULA_BASE_RPC_STORE_SERVICE_H_
#define MOBULA_BASE_RPC_STORE_SERVICE_H_

#include <memory>

#include "base/rpc/stream_events.h"
#include "base/unique_fd.h"

namespace mobula::base {

class StoreService {
 public:
  explicit StoreService(std::shared_ptr<StreamEvents> events);
  ~StoreService();
  StoreService(const StoreService&) = delete;
  StoreService& operator=(const StoreService&) = delete;

  void Serve(UniqueFd socket);
  // After StreamEvents::Close, when all streams are done.
  void Stop();

 private:
  struct Running;

  std::shared_ptr<StreamEvents> events_;
  std::unique_ptr<Running> running_;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_STORE_SERVICE_H_
