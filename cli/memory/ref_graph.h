// RefGraph is who keeps whom: nodes, what each of them keeps, and which are
// kept from outside.
//
//   const std::size_t a = graph.Add(), b = graph.Add();
//   graph.Keep(a, b);  graph.Keep(b, a);
//   graph.Cycles()   {{a, b}}
//   graph.Living()   {false, false}, as nobody called Root
// Neither goes deep: chains of any length take no stack.
// Threading: a value.   Invariants: nodes are numbered from 0 in the order in
// which they are added; a cycle is listed once, its members in order.
#ifndef MOBULA_CLI_MEMORY_REF_GRAPH_H_
#define MOBULA_CLI_MEMORY_REF_GRAPH_H_

#include <cstddef>
#include <vector>

namespace mobula::cli {

class RefGraph {
 public:
  using Node = std::size_t;

  Node Add();
  void Keep(Node keeper, Node kept);
  // Somebody outside keeps it.
  void Root(Node node) { nodes_[node].is_root = true; }

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] bool IsKept(Node node) const { return nodes_[node].is_kept; }
  [[nodiscard]] bool IsRoot(Node node) const { return nodes_[node].is_root; }
  // Those that can be reached from a root, or are one.
  [[nodiscard]] std::vector<bool> Living() const;
  // Largest sets of which each member keeps, in some steps, all others: of two
  // or more, or of one that keeps itself. In order of their first members.
  [[nodiscard]] std::vector<std::vector<Node>> Cycles() const;

 private:
  struct Vertex {
    std::vector<Node> keeps;
    bool is_kept = false;
    bool is_root = false;
  };

  std::vector<Vertex> nodes_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_REF_GRAPH_H_
