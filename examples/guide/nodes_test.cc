// The snippets of docs/guide/nodes.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <iostream>
#include <string>

namespace {

int Work(int x) { return x * 10; }

class Shard {
 public:
  std::string At() { return mobula::CurrentNode().ToString(); }
};

TEST(Nodes, TheSnippetsDoWhatTheySay) {
  const mobula::Runtime runtime = mobula::Init(mobula::InitOptions().Cpus(2));
  for (const mobula::NodeInfo& node : mobula::Nodes()) {
    std::cout << node.name << ": " << node.resources.at("cpu") << " cpus\n";
  }
  EXPECT_EQ(mobula::Nodes().size(), 1U);
  auto spread = mobula::TaskOptions().Place(mobula::Placement().Spread());
  auto near_disk = mobula::TaskOptions().Place(
      mobula::Placement().Label("disk", "fast").Soft());
  mobula::Ref<int> a = mobula::Spawn<Work>(spread, 1);
  mobula::Ref<int> b = mobula::Spawn<Work>(near_disk, 2);
  EXPECT_EQ(mobula::Get(a) + mobula::Get(b), 30);
  mobula::Actor<Shard> shard =
      mobula::Create<Shard>(mobula::ActorOptions().Place(
          mobula::Placement().OnNode(mobula::CurrentNode())));
  EXPECT_EQ(mobula::Get(shard.Call<&Shard::At>()),
            mobula::CurrentNode().ToString());
  mobula::Placement nowhere;
  nowhere.Label("disk", "fast");
  EXPECT_THROW(
      mobula::Get(mobula::Spawn<Work>(mobula::TaskOptions().Place(nowhere), 1)),
      mobula::Infeasible);
}

}  // namespace
