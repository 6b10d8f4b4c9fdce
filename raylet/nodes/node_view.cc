#include "raylet/nodes/node_view.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/control/control_codec.h"

namespace mobula::raylet {

using base::NodeId;
using base::Placement;
using base::PlacementKind;
using base::ResourceVector;

namespace {

bool HasLabels(const std::map<std::string, std::string>& has,
               const std::map<std::string, std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&has](const auto& label) {
    const auto found = has.find(label.first);
    return found != has.end() && found->second == label.second;
  });
}

// The largest share of `total` that is taken once `shape` is, of what `shape`
// names, and of the cpus.
double ShareTaken(const ResourceVector& total, const ResourceVector& free,
                  const ResourceVector& shape) {
  double largest = 0;
  const auto look = [&](const std::string& name, std::int64_t need) {
    const std::int64_t all = total.GetUnits(name);
    if (all <= 0) return;
    const std::int64_t taken = all - free.GetUnits(name) + need;
    largest = std::max(largest,
                       static_cast<double>(taken) / static_cast<double>(all));
  };
  look("cpu", shape.GetUnits("cpu"));
  for (const auto& [name, need] : shape.units) look(name, need);
  return largest;
}

}  // namespace

void NodeView::Up(Out& out) {
  for (base::TableFollower* const table : {&nodes_table_, &loads_table_}) {
    base::TableFollower::Out news;
    table->Up(news);
    Apply(news, table == &loads_table_, out);
  }
}

void NodeView::OnListing(const base::TableListing& part, Out& out) {
  for (base::TableFollower* const table : {&nodes_table_, &loads_table_}) {
    if (part.table != table->table()) continue;
    base::TableFollower::Out news;
    table->OnListing(part, news);
    if (table == &nodes_table_ && !part.more) {
      is_listed_ = true;
      out.freed = true;
    }
    Apply(news, table == &loads_table_, out);
  }
}

void NodeView::OnChanges(const base::TableChanges& changes, Out& out) {
  for (base::TableFollower* const table : {&nodes_table_, &loads_table_}) {
    if (changes.table != table->table()) continue;
    base::TableFollower::Out news;
    table->OnChanges(changes, news);
    Apply(news, table == &loads_table_, out);
  }
}

void NodeView::Apply(base::TableFollower::Out& news, bool is_of_loads,
                     Out& out) {
  for (base::FollowTable& follow : news.follow) {
    out.follow.push_back(std::move(follow));
  }
  for (const base::ApplyChange& change : news.changes) {
    const std::optional<NodeId> node = NodeId::Parse(change.key);
    if (!node.has_value() || *node == self_) continue;
    if (is_of_loads) {
      ApplyLoad(change, *node, out);
    } else {
      ApplyNode(change, *node, out);
    }
  }
}

void NodeView::ApplyLoad(const base::ApplyChange& change, NodeId node,
                         Out& out) {
  promised_.erase(node);
  base::NodeLoad load;
  std::string error;
  if (change.value.has_value() &&
      base::DecodeLoad(change.value->view(), &load, &error)) {
    loads_[node] = std::move(load);
    out.freed = true;
  } else {
    loads_.erase(node);
  }
}

void NodeView::ApplyNode(const base::ApplyChange& change, NodeId node,
                         Out& out) {
  base::NodeRecord record;
  std::string error;
  if (!change.value.has_value()) {
    Lose(node, out);
    dead_.erase(node);
  } else if (base::DecodeNode(change.value->view(), &record, &error)) {
    Learn(record, out);
  }
}

void NodeView::Learn(const base::NodeRecord& record, Out& out) {
  if (record.state != base::NodeState::kAlive) {
    Lose(record.node, out);
    dead_.insert(record.node);
    return;
  }
  const auto known = nodes_.find(record.node);
  const bool is_moved =
      known != nodes_.end() && (known->second.door != record.door ||
                                known->second.raylet != record.raylet);
  if (known == nodes_.end() || is_moved) out.came.push_back(record);
  if (known == nodes_.end()) out.freed = true;
  if (known != nodes_.end()) of_maker_.erase(known->second.maker);
  if (record.maker != 0) of_maker_[record.maker] = record.node;
  nodes_[record.node] = record;
}

void NodeView::Lose(NodeId node, Out& out) {
  const auto known = nodes_.find(node);
  if (known == nodes_.end()) return;
  of_maker_.erase(known->second.maker);
  out.died.push_back(std::move(known->second));
  nodes_.erase(known);
  loads_.erase(node);
  promised_.erase(node);
  sent_.erase(node);
  out.freed = true;  // what waits for it alone is to hear of it
}

const base::NodeRecord* NodeView::Find(NodeId node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

NodeId NodeView::OfMaker(std::uint64_t maker) const {
  const auto found = of_maker_.find(maker);
  return found == of_maker_.end() ? NodeId() : found->second;
}

void NodeView::Promise(NodeId node, const ResourceVector& shape) {
  if (node != self_ && !nodes_.contains(node)) return;
  ++sent_[node];
  if (node != self_) promised_[node].Add(shape);
}

ResourceVector NodeView::FreeOf(NodeId node) const {
  const auto load = loads_.find(node);
  if (load == loads_.end()) return ResourceVector();
  ResourceVector free = load->second.free;
  const auto promised = promised_.find(node);
  if (promised != promised_.end()) free.Subtract(promised->second);
  return free;
}

bool NodeView::MayHold(const base::NodeRecord& node,
                       const ResourceVector& shape,
                       const Placement& placement) const {
  if (node.door.empty()) return false;
  // One that a driver started for itself offers nothing, also to what needs
  // nothing: it ends with the driver.
  if (node.labels.contains(base::kDriverLabel)) return false;
  return node.total.Fits(shape) && HasLabels(node.labels, placement.labels);
}

NodeView::Choice NodeView::Choose(const ResourceVector& shape,
                                  const Placement& placement, const Here& here,
                                  const std::set<NodeId>& excluded,
                                  bool is_impatient) const {
  const bool fits_here =
      here.total.Fits(shape) && HasLabels(here.labels, placement.labels);
  if (placement.kind == PlacementKind::kNode) {
    const bool is_here = placement.node == self_;
    const base::NodeRecord* const node = Find(placement.node);
    const bool may = is_here
                         ? fits_here
                         : node != nullptr && MayHold(*node, shape, placement);
    if (may && is_here) return {Verdict::kHere, self_};
    if (may) {
      const bool now =
          !excluded.contains(node->node) && FreeOf(node->node).Fits(shape);
      return {now ? Verdict::kThere : Verdict::kNotNow, node->node};
    }
    if (!is_listed_ && !is_here) return {Verdict::kUnknown, {}};
    if (!placement.soft) return {Verdict::kNowhere, {}};
    Placement anywhere = placement;
    anywhere.kind = PlacementKind::kHybrid;
    anywhere.node = NodeId();
    return Choose(shape, anywhere, here, excluded, is_impatient);
  }
  if (placement.kind == PlacementKind::kSpread) {
    const Choice choice = ChooseSpread(shape, placement, here, excluded);
    if (choice.verdict != Verdict::kNowhere) return choice;
  } else if (fits_here) {
    const bool has_room = here.free.Fits(shape);
    if (has_room || !is_impatient) return {Verdict::kHere, self_};
    const Choice there = ChooseThere(shape, placement, excluded);
    if (there.verdict == Verdict::kThere) return there;
    return {Verdict::kHere, self_};
  } else {
    const Choice there = ChooseThere(shape, placement, excluded);
    if (there.verdict != Verdict::kNowhere) return there;
  }
  if (placement.soft && !placement.labels.empty()) {
    Placement anywhere = placement;
    anywhere.labels.clear();
    return Choose(shape, anywhere, here, excluded, is_impatient);
  }
  return {is_listed_ ? Verdict::kNowhere : Verdict::kUnknown, {}};
}

// Where the largest share of what it needs is smallest; of what needs nothing,
// where least was sent.
NodeView::Choice NodeView::ChooseSpread(
    const ResourceVector& shape, const Placement& placement, const Here& here,
    const std::set<NodeId>& excluded) const {
  using Rank = std::pair<double, std::uint64_t>;
  Choice best;
  Rank best_rank;
  bool may_somewhere = false;
  const auto consider = [&](NodeId id, const ResourceVector& total,
                            const ResourceVector& free) {
    may_somewhere = true;
    if (excluded.contains(id) || !free.Fits(shape)) return;
    const auto sent = sent_.find(id);
    const Rank rank{shape.IsZero() ? 0 : ShareTaken(total, free, shape),
                    sent == sent_.end() ? 0 : sent->second};
    if (best.verdict != Verdict::kNowhere && rank >= best_rank) return;
    best = {id == self_ ? Verdict::kHere : Verdict::kThere, id};
    best_rank = rank;
  };
  const bool is_drivers = here.labels.contains(base::kDriverLabel);
  if (!is_drivers && here.total.Fits(shape) &&
      HasLabels(here.labels, placement.labels)) {
    consider(self_, here.total, here.free);
  }
  for (const auto& [id, node] : nodes_) {
    if (MayHold(node, shape, placement)) consider(id, node.total, FreeOf(id));
  }
  if (best.verdict == Verdict::kNowhere && may_somewhere) {
    return {Verdict::kNotNow, {}};
  }
  return best;
}

// With room now: where most of it is taken already, so that what needs much
// finds a node that is empty.
NodeView::Choice NodeView::ChooseThere(const ResourceVector& shape,
                                       const Placement& placement,
                                       const std::set<NodeId>& excluded) const {
  Choice best;
  double best_share = 0;
  bool may_somewhere = false;
  for (const auto& [id, node] : nodes_) {
    if (!MayHold(node, shape, placement)) continue;
    may_somewhere = true;
    const ResourceVector free = FreeOf(id);
    if (excluded.contains(id) || !free.Fits(shape)) continue;
    const double share = ShareTaken(node.total, free, shape);
    if (best.verdict == Verdict::kThere && share <= best_share) continue;
    best = {Verdict::kThere, id};
    best_share = share;
  }
  if (best.verdict == Verdict::kNowhere && may_somewhere) {
    return {Verdict::kNotNow, {}};
  }
  return best;
}

void NodeView::CheckInvariants() const {
  MOBULA_CHECK(!nodes_.contains(self_));
  for (const auto& [id, node] : nodes_) {
    MOBULA_CHECK(node.state == base::NodeState::kAlive);
  }
  for (const auto& [maker, id] : of_maker_) {
    MOBULA_CHECK(nodes_.at(id).maker == maker);
  }
  for (const auto& [id, promised] : promised_) {
    MOBULA_CHECK(nodes_.contains(id));
  }
  for (const auto& [id, sent] : sent_) {
    MOBULA_CHECK(id == self_ || nodes_.contains(id));
  }
}

}  // namespace mobula::raylet
