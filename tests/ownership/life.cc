#include "tests/ownership/life.h"

#include "base/frames/message.h"
#include "tests/ownership/audit.h"

namespace mobula::ownership {
namespace {

template <class M>
std::uint64_t CountOf(const Node& node) {
  return node.CountOf(base::Message(M()).index());
}

void Append(const std::vector<std::string>& from,
            std::vector<std::string>* wrongs) {
  wrongs->insert(wrongs->end(), from.begin(), from.end());
}

}  // namespace

Node::Options OptionsFor(std::uint64_t seed, bool kills, bool losses) {
  Node::Options options;
  options.losses = losses;
  options.seed = seed;
  options.kills = kills;
  options.drivers = 1 + static_cast<int>(seed % 3);
  options.cpus = 1 + static_cast<int>(seed % 4);
  return options;
}

Life Live(const Node::Options& options) {
  constexpr int kDays = 3;
  constexpr int kDeedsADay = 20;
  Life life;
  Node node(options);
  for (int day = 0; day < kDays && life.wrongs.empty(); ++day) {
    node.Run(kDeedsADay);
    node.Settle();
    Append(Audit(node), &life.wrongs);
  }
  if (life.wrongs.empty()) {
    // What ran for the last time may have made handles again.
    for (int i = 0; i < 3; ++i) {
      node.DropAll();
      node.Settle();
    }
    Append(AuditEmpty(node), &life.wrongs);
  }
  Append(node.truth().wrongs(), &life.wrongs);
  life.trace = node.trace();
  life.reads = node.truth().reads();
  life.losses = node.truth().losses();
  life.kills = node.kills();
  life.cancels = node.cancels();
  life.stops = CountOf<base::TaskStopping>(node);
  life.lost_places = node.losses();
  life.remade = node.remade();
  life.delivered = node.delivered();
  life.claims = CountOf<base::ClaimObjects>(node);
  life.stays = CountOf<base::Stay>(node);
  life.taken = CountOf<base::ObjectsTaken>(node);
  life.wants = CountOf<base::WantObjects>(node);
  return life;
}

}  // namespace mobula::ownership
