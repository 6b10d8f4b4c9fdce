// NodeFile is how programs and tools of a machine find a node that `mobula
// start` began there: the file `node` in its session folder
// (raylet/spawn/runtime_folder.h), written by its raylet when it serves and
// gone with the folder.
//
//   control=unix:/run/user/1000/mobula/0123/control.sock
//   raylet=/run/user/1000/mobula/0123/raylet.sock
//   cluster=... node=... pid=... started_ms=... token=PATH spill.0=PATH
// Threading: functions; any thread.
// Failure: a folder or file of somebody else, or that others may write, is
// ignored.
#ifndef MOBULA_BASE_CONTROL_NODE_FILE_H_
#define MOBULA_BASE_CONTROL_NODE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"

namespace mobula::base {

struct NodeFile {
  std::string folder;      // of the session
  std::string control;     // ControlAddress of the control store
  std::string raylet;      // path of the socket for drivers and tools
  std::string token_file;  // that proves who asks over TCP; "" if none
  NodeId node;
  ClusterId cluster;
  std::int32_t pid = 0;  // of the janitor, which `mobula stop` ends
  bool is_head = false;
  std::int64_t started_ms = 0;
  std::vector<std::string> spill_folders;  // of large values
};

// Where sessions of this user may lie, the preferred one first.
std::vector<std::string> SessionRoots();

// Written beside and renamed: a reader sees all of it or nothing. False, and
// why.
[[nodiscard]] bool WriteNodeFile(const NodeFile& file, std::string* error);

// Of all nodes under the roots whose pid lives, the latest first.
std::vector<NodeFile> FindNodes(const std::vector<std::string>& roots);

// In the session's folder: a line with the keeper's pid, as long as it lives,
// and one with the ControlAddress of its node's control store.
inline constexpr char kKeeperFile[] = "keeper";

// Whether a keeper lives whose raylet, of a node of that control store, does
// not serve: it is being started, or started again.
bool IsNodeStarting(const std::vector<std::string>& roots,
                    const std::string& control);

// The ControlAddress of the control store of such a keeper's node, of any; ""
// if there is none.
std::string StartingControl(const std::vector<std::string>& roots);

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_NODE_FILE_H_
