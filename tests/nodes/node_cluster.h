// NodeCluster is several nodes on this machine for a test: a head, and nodes
// that joined it, each with folders of its own, as on another machine.
//
//   NodeCluster cluster(3);                        // the head has 1 cpu,
//   others 4 ASSERT_EQ(cluster.trouble(), "");
//   RunProgram({ProgramPath("tests/nodes/rover"), "tasks"},
//              cluster.environment(1));
// What it leaves is ended, and counted by Left.
// Threading: one thread.
#ifndef MOBULA_TESTS_NODES_NODE_CLUSTER_H_
#define MOBULA_TESTS_NODES_NODE_CLUSTER_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/control/node_file.h"
#include "tests/integration/programs.h"
#include "tests/integration/started_head.h"

namespace mobula::test {

class NodeCluster {
 public:
  // `nodes` in all, from 1; node 1 is the head.
  explicit NodeCluster(int nodes);
  ~NodeCluster();
  NodeCluster(const NodeCluster&) = delete;
  NodeCluster& operator=(const NodeCluster&) = delete;

  // What went wrong with its start, "" if nothing.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // For programs and tools on that node, or (one more) on a machine without.
  [[nodiscard]] std::vector<std::string> environment(int node) const;
  // One more.
  void Add();
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] base::NodeFile FileOf(int node) const;
  [[nodiscard]] pid_t RayletOf(int node) const;
  [[nodiscard]] pid_t StoreOf() const;
  // SIGKILL to all of the node, at once.
  void Kill(int node) const;
  Ended Stop(int node) const;
  // `rover WORDS...` on that node.
  [[nodiscard]] Ended Rove(int node,
                           const std::vector<std::string>& words) const;
  // Workers on that node.
  [[nodiscard]] std::vector<pid_t> WorkersOn(int node) const;
  // The ends of all logs, to be shown with a failure.
  [[nodiscard]] std::string Logs() const;

 private:
  [[nodiscard]] std::string RunFolder(int node) const;
  Ended Tool(int node, const std::vector<std::string>& words) const;

  StartedHead head_;
  int size_ = 1;
  std::string run_;  // of the head
  std::string control_;
  std::string trouble_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_NODES_NODE_CLUSTER_H_
