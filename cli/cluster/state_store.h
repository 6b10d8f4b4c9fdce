// StateStore is where the launcher keeps what it knows of its clusters, and
// what keeps two launchers from working on one cluster at once.
//
//   ${XDG_STATE_HOME:-~/.local/state}/mobula/clusters/NAME        0600
//   ...                                      /clusters/NAME.lock  while at work
//
//   auto store = StateStore::Open("laptop", &error);   // or who has it
//   auto state = store->Read(&error); ... store->Write(state, &error);
// Writing replaces the whole file, and it is on the disk then.
// Threading: one thread.
// Failure: nothing or false, and a sentence.
#ifndef MOBULA_CLI_CLUSTER_STATE_STORE_H_
#define MOBULA_CLI_CLUSTER_STATE_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cli/cluster/cluster_state.h"

namespace mobula::cli {

class StateStore {
 public:
  // Those of which there is a file, sorted.
  static std::vector<std::string> Names();
  // What launchers left that were killed before they had made anything.
  static void RemoveStale();
  // Locks the cluster of that name, made or not.
  static std::optional<StateStore> Open(const std::string& name,
                                        std::string* error);
  // What is there now, without the lock: for who only looks.
  static std::optional<ClusterState> Look(const std::string& name,
                                          std::string* error);

  ~StateStore();  // the lock's file goes with it
  StateStore(StateStore&&) = default;
  StateStore& operator=(StateStore&&) = delete;

  // Whether the cluster has a file.
  [[nodiscard]] bool IsThere() const;
  [[nodiscard]] std::optional<ClusterState> Read(std::string* error) const;
  [[nodiscard]] bool Write(const ClusterState& state, std::string* error) const;
  void Remove() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  StateStore() = default;

  std::string path_;
  std::string lock_path_;
  base::UniqueFd lock_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_STATE_STORE_H_
