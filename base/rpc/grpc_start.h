// StartGrpc readies gRPC for its first use in this process: what it logs goes
// to our log. Channels and servers call it; a process that has neither has
// nothing of gRPC's running.
// Threading: any; twice is once.
#ifndef MOBULA_BASE_RPC_GRPC_START_H_
#define MOBULA_BASE_RPC_GRPC_START_H_

namespace mobula::base {

// A message of gRPC's: the largest of ours and what goes around it.
inline constexpr int kGrpcMessageBytesMax = 17 << 20;

void StartGrpc();

}  // namespace mobula::base

#endif  // MOBULA_BASE_RPC_GRPC_START_H_
