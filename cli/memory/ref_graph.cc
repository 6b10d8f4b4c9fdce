#include "cli/memory/ref_graph.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mobula::cli {
namespace {

constexpr std::size_t kUnseen = std::numeric_limits<std::size_t>::max();

}  // namespace

RefGraph::Node RefGraph::Add() {
  nodes_.emplace_back();
  return nodes_.size() - 1;
}

void RefGraph::Keep(Node keeper, Node kept) {
  nodes_[keeper].keeps.push_back(kept);
  nodes_[kept].is_kept = true;
}

std::vector<bool> RefGraph::Living() const {
  std::vector<bool> living(nodes_.size(), false);
  std::vector<Node> open;
  for (Node node = 0; node < nodes_.size(); ++node) {
    if (nodes_[node].is_root) open.push_back(node);
  }
  while (!open.empty()) {
    const Node node = open.back();
    open.pop_back();
    if (living[node]) continue;
    living[node] = true;
    for (const Node kept : nodes_[node].keeps) {
      if (!living[kept]) open.push_back(kept);
    }
  }
  return living;
}

// Tarjan, "Depth-first search and linear graph algorithms", 1972; the calls are
// kept in `path`.
std::vector<std::vector<RefGraph::Node>> RefGraph::Cycles() const {
  struct Call {
    Node node = 0;
    std::size_t next = 0;  // of what it keeps
  };
  std::vector<std::vector<Node>> cycles;
  std::vector<std::size_t> order(nodes_.size(), kUnseen);
  std::vector<std::size_t> lowest(nodes_.size(), 0);
  std::vector<bool> is_open(nodes_.size(), false);
  std::vector<Node> stack;
  std::vector<Call> path;
  std::size_t seen = 0;
  const auto enter = [&](Node node) {
    order[node] = lowest[node] = seen++;
    is_open[node] = true;
    stack.push_back(node);
    path.push_back({node, 0});
  };
  const auto take = [&](Node first) {
    std::vector<Node> members;
    do {
      members.push_back(stack.back());
      is_open[stack.back()] = false;
      stack.pop_back();
    } while (members.back() != first);
    const auto& keeps = nodes_[first].keeps;
    const bool keeps_itself =
        std::find(keeps.begin(), keeps.end(), first) != keeps.end();
    if (members.size() == 1 && !keeps_itself) return;
    std::sort(members.begin(), members.end());
    cycles.push_back(std::move(members));
  };
  for (Node first = 0; first < nodes_.size(); ++first) {
    if (order[first] != kUnseen) continue;
    enter(first);
    while (!path.empty()) {
      Call& call = path.back();
      const Node node = call.node;
      if (call.next < nodes_[node].keeps.size()) {
        const Node kept = nodes_[node].keeps[call.next++];
        if (order[kept] == kUnseen) {
          enter(kept);
        } else if (is_open[kept]) {
          lowest[node] = std::min(lowest[node], order[kept]);
        }
        continue;
      }
      path.pop_back();
      if (!path.empty()) {
        const Node caller = path.back().node;
        lowest[caller] = std::min(lowest[caller], lowest[node]);
      }
      if (lowest[node] == order[node]) take(node);
    }
  }
  std::sort(cycles.begin(), cycles.end());
  return cycles;
}

}  // namespace mobula::cli
