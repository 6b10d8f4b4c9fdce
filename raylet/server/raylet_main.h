// The raylet as a process, from options to the exit code, in two forms.
//
// RunRaylet is `mobula raylet`, the embedded head of one driver: a janitor, and
// in its child the raylet. It ends, with exit code 0, when the driver at the
// other end of driver_fd is gone, also before anything was said. With `control`
// it is no head but a node of that control store's cluster, which offers
// nothing: it serves its driver once it has joined, and leaves when that ends.
// RunNode is the raylet of a node that `mobula start` began, in a child of the
// node's keeper: it joins the control store at `control`, serves drivers and
// tools on FOLDER/raylet.sock, and writes the NodeFile when it has joined. It
// ends on SIGTERM (leaving the cluster in order), when the keeper is gone
// (having killed what it started) or when the control store refuses the node;
// never because the control store is away.
// Threading: called in a process with one thread.
// Failure: a sentence on stderr and exit code 1; 2 where the arguments make no
// sense; kLeftCluster where the control store refused the node.
#ifndef MOBULA_RAYLET_SERVER_RAYLET_MAIN_H_
#define MOBULA_RAYLET_SERVER_RAYLET_MAIN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/scheduling/byte_amount.h"
#include "base/settings/log_settings.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

inline constexpr double kCpusMax = 1e6;

// What a node offers; what is not given is found out.
struct RayletOptions {
  int driver_fd = -1;   // our end of the socketpair that the driver made
  int program_fd = -1;  // the driver's executable
  std::optional<double> cpus;
  std::optional<base::ByteAmount> memory;
  std::optional<base::ByteAmount> object_store;  // see store_size.h
  // For values that have no room in memory; absolute. None: see
  // raylet/arenas/spill_folders.h.
  std::vector<std::string> spill_folders;
  std::map<std::string, double> resources;
  std::optional<int> workers_max;
  base::LogSettings log;  // before what the environment says
  // Of RunRaylet: ControlAddress of a control store to join, "" for a head.
  std::string control;
  std::string token_file;  // for it; "" if none
  // tls:HOST:PORT where it waits for raylets of other nodes; "": see
  // raylet/server/line_plan.h.
  std::string node_listen;
  // It gives up joining that, and says why, so that its driver can.
  std::int64_t join_patience_ms = 30'000;
};

struct NodeOptions {
  RayletOptions offers;      // without the descriptors
  std::string control;       // ControlAddress of the control store
  std::string token_file;    // for a control store over TCP; "" if none
  std::string folder;        // of the session: made and locked by the keeper
  std::string session;       // the mark of its processes
  std::string state_folder;  // where executables are kept by hash; durable
  bool is_head = false;
  std::string listen;  // of a head: where its store waits by TLS; "" if nowhere
  std::map<std::string, std::string> labels;
  std::int32_t keeper_pid = 0;  // for the NodeFile
};

inline constexpr int kLeftCluster = 3;

int RunRaylet(const RayletOptions& options);

// `keeper` becomes readable when the keeper has ended (a pidfd).
int RunNode(const NodeOptions& options, base::UniqueFd keeper);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SERVER_RAYLET_MAIN_H_
