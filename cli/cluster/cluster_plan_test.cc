#include "cli/cluster/cluster_plan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "cli/cluster/cluster_state.h"

namespace mobula::cli {
namespace {

ClusterSpec Spec(const std::string& workers,
                 const std::string& provider = "{type: local}") {
  std::vector<SpecError> errors;
  const auto spec =
      ParseClusterSpec("name: c\nprovider: " + provider +
                           "\nhead: {}\nworkers: " + workers + "\n",
                       {"/f", "/h"}, &errors);
  EXPECT_TRUE(spec) << errors[0].what;
  return spec.value_or(ClusterSpec{});
}

ClusterState Empty() {
  ClusterState state;
  state.name = "c";
  state.id = "0123456789ab";
  return state;
}

using FoundMap = std::map<std::string, Found>;

std::vector<NodeStep> Plan(const ClusterSpec& spec, const ClusterState& state,
                           const FoundMap& found) {
  std::string error;
  const auto steps = PlanUp(spec, state, found, &error);
  EXPECT_TRUE(steps) << error;
  return steps.value_or(std::vector<NodeStep>{});
}

// As `up` does: all is made, recorded and found up.
void CarryOut(const std::vector<NodeStep>& steps, ClusterState* state,
              FoundMap* found) {
  for (const NodeStep& step : steps) {
    NodeRecord node = step.node;
    node.is_up = true;
    if (NodeRecord* const old = state->Find(node.name)) {
      *old = node;
    } else {
      state->nodes.push_back(node);
    }
    (*found)[node.name] = Found::kUp;
  }
}

std::string Told(const std::vector<NodeStep>& steps) {
  std::string all;
  for (const NodeStep& step : steps) {
    const char* const kinds[] = {"keep", "start", "remake", "make"};
    all += std::string(kinds[static_cast<int>(step.kind)]) + " " +
           step.node.name + "; ";
  }
  return all;
}

TEST(ClusterPlanTest, AllIsMadeOnceAndThenKept) {
  const ClusterSpec spec = Spec("{b: {count: 2}, a: {}}");
  ClusterState state = Empty();
  FoundMap found;
  const auto first = Plan(spec, state, found);
  EXPECT_EQ(Told(first), "make head; make b-1; make b-2; make a-1; ");
  EXPECT_EQ(first[1].node.folder, "/var/tmp/mobula-0123456789ab/b-1");
  CarryOut(first, &state, &found);
  const auto second = Plan(spec, state, found);
  EXPECT_EQ(Told(second), "keep head; keep b-1; keep b-2; keep a-1; ");
  for (const NodeStep& step : second) EXPECT_EQ(step.note, "");
}

TEST(ClusterPlanTest, WhatEndedIsStartedAndWhatIsHalfIsMadeAnew) {
  const ClusterSpec spec = Spec("{a: {count: 4}}");
  ClusterState state = Empty();
  FoundMap found;
  CarryOut(Plan(spec, state, found), &state, &found);
  found["a-1"] = Found::kDown;
  found["a-2"] = Found::kAbsent;
  state.Find("a-3")->is_up = false;
  std::erase_if(state.nodes,
                [](const NodeRecord& node) { return node.name == "a-4"; });
  const auto steps = Plan(spec, state, found);
  EXPECT_EQ(Told(steps),
            "keep head; start a-1; remake a-2; remake a-3; make a-4; ");
  EXPECT_EQ(steps[1].note, "it had ended");
  EXPECT_EQ(steps[3].note, "it was half made");
}

TEST(ClusterPlanTest, WithANewHeadAllAreMadeAnew) {
  const ClusterSpec spec = Spec("{a: {count: 1}}");
  ClusterState state = Empty();
  FoundMap found;
  CarryOut(Plan(spec, state, found), &state, &found);
  found["head"] = Found::kAbsent;
  const auto steps = Plan(spec, state, found);
  EXPECT_EQ(Told(steps), "remake head; remake a-1; ");
  EXPECT_EQ(steps[1].note, "its head is made anew");
  // One that only ended has forgotten nothing.
  found["head"] = Found::kDown;
  EXPECT_EQ(Told(Plan(spec, state, found)), "start head; keep a-1; ");
}

TEST(ClusterPlanTest, AnotherFileIsSaidAndNotForced) {
  ClusterState state = Empty();
  FoundMap found;
  CarryOut(Plan(Spec("{a: {count: 2}}"), state, found), &state, &found);
  const auto steps = Plan(Spec("{a: {count: 1, cpus: 2}}"), state, found);
  EXPECT_EQ(Told(steps), "keep head; keep a-1; keep a-2; ");
  EXPECT_EQ(steps[0].note, "");
  EXPECT_EQ(steps[1].note,
            "the file says something else of it now; to have that: mobula "
            "cluster remove a-1, then up");
  EXPECT_FALSE(steps[2].note.empty());
  // What ended is started as the file has it now.
  found["a-1"] = Found::kDown;
  const auto again = Plan(Spec("{a: {count: 2, cpus: 2}}"), state, found);
  EXPECT_NE(again[1].node.print, state.Find("a-1")->print);
}

TEST(ClusterPlanTest, MoreThanTheFileCountsStays) {
  const ClusterSpec spec = Spec("{a: {count: 1}}");
  ClusterState state = Empty();
  FoundMap found;
  CarryOut(Plan(spec, state, found), &state, &found);
  std::string error;
  const auto more = PlanAdd(spec, state, 2, "", &error);
  ASSERT_TRUE(more) << error;
  EXPECT_EQ(Told(*more), "make a-2; make a-3; ");
  CarryOut(*more, &state, &found);
  const auto steps = Plan(spec, state, found);
  EXPECT_EQ(Told(steps), "keep head; keep a-1; keep a-2; keep a-3; ");
  EXPECT_EQ(steps[3].note, "beyond what the file counts");
  found["a-3"] = Found::kDown;
  EXPECT_EQ(Told(Plan(spec, state, found)),
            "keep head; keep a-1; keep a-2; start a-3; ");
  EXPECT_FALSE(PlanUp(Spec("{}"), state, found, &error));
  EXPECT_EQ(error,
            "a-3 has ended, and the file has no type a any more: mobula "
            "cluster remove a-3");
}

TEST(ClusterPlanTest, WhoIsAddedIsNamedByTheFirstFreeNumber) {
  const ClusterSpec spec = Spec("{a: {count: 3}, b: {count: 0}}");
  ClusterState state = Empty();
  FoundMap found;
  CarryOut(Plan(spec, state, found), &state, &found);
  std::erase_if(state.nodes,
                [](const NodeRecord& node) { return node.name == "a-2"; });
  std::string error;
  EXPECT_EQ(Told(*PlanAdd(spec, state, 2, "a", &error)),
            "make a-2; make a-4; ");
  EXPECT_FALSE(PlanAdd(spec, state, 1, "", &error));
  EXPECT_EQ(error, "say of which type: a, b");
  EXPECT_FALSE(PlanAdd(spec, state, 1, "head", &error));
  EXPECT_EQ(error, "there is no type head of workers; there is: a, b");
  EXPECT_FALSE(PlanAdd(spec, state, kNodesMax, "a", &error));
  EXPECT_FALSE(PlanAdd(Spec("{}"), state, 1, "", &error));
  EXPECT_EQ(error, "the file has no type of workers");
}

TEST(ClusterPlanTest, HostsAreTakenInTurnAndByType) {
  const ClusterSpec spec = Spec(
      "{a: {count: 1}, g: {count: 1}}",
      "{type: ssh, hosts: [{host: 10.0.0.9, type: g}, 10.0.0.1, 10.0.0.2]}");
  ClusterState state = Empty();
  FoundMap found;
  const auto steps = Plan(spec, state, found);
  EXPECT_EQ(steps[0].node.host, "10.0.0.1:22");
  EXPECT_EQ(steps[1].node.host, "10.0.0.2:22");
  EXPECT_EQ(steps[2].node.host, "10.0.0.9:22");
  CarryOut(steps, &state, &found);
  std::string error;
  EXPECT_FALSE(PlanAdd(spec, state, 1, "a", &error));
  EXPECT_EQ(error, "no host of the file is free for a-2: it has 3 hosts");
  EXPECT_FALSE(PlanUp(Spec("{}", "{type: ssh, hosts: [name.example]}"), Empty(),
                      {}, &error));
  EXPECT_NE(error.find("say by which number"), std::string::npos) << error;
}

TEST(ClusterPlanTest, ContainersAreNamedByClusterAndNode) {
  const auto steps =
      Plan(Spec("{a: {}}", "{type: docker, image: i}"), Empty(), FoundMap{});
  EXPECT_EQ(steps[1].node.container, "mobula-c-a-1");
}

TEST(ClusterPlanTest, AStateIsReadAsItWasWritten) {
  ClusterState state = Empty();
  state.file = "/a b/\"c\".yaml";
  state.text = "name: c\n# \u00e9 \\ \"quoted\" \t'x'\n";
  state.address = "tls:10.0.0.1:6380";
  FoundMap found;
  CarryOut(Plan(Spec("{a: {count: 2}}"), state, found), &state, &found);
  state.nodes[2].is_up = false;
  std::string error;
  const auto read = ReadClusterState(WriteClusterState(state), &error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(*read, state);
}

TEST(ClusterPlanTest, ADamagedStateIsRefused) {
  ClusterState state = Empty();
  FoundMap found;
  CarryOut(Plan(Spec("{a: {}}"), state, found), &state, &found);
  const std::string good = WriteClusterState(state);
  std::string error;
  for (std::size_t size = 0; size + 2 < good.size(); ++size) {
    EXPECT_FALSE(ReadClusterState(good.substr(0, size), &error)) << size;
  }
  // Whose folder would be removed.
  for (const char* const folder :
       {"/", "", "a-1", "/home", "/x/a-1/..", "/home/a-1",
        "/x/../mobula-0123456789ab/a-1", "/mobula-0123456789ab/a-1/../a-1"}) {
    state.nodes[1].folder = folder;
    EXPECT_FALSE(ReadClusterState(WriteClusterState(state), &error)) << folder;
  }
}

// Whatever befell the nodes, one `up` that is carried out makes all of the
// file, and the next one keeps all.
TEST(ClusterPlanTest, UpTwiceIsOnceWhateverWas) {
  std::mt19937 chance(7);
  for (int round = 0; round < 2000; ++round) {
    const ClusterSpec spec =
        Spec("{a: {count: " + std::to_string(chance() % 4) +
             "}, b: {count: " + std::to_string(chance() % 3) + "}}");
    ClusterState state = Empty();
    FoundMap found;
    CarryOut(Plan(Spec("{a: {count: 2}, b: {count: 1}}"), state, found), &state,
             &found);
    for (auto& [name, how] : found) how = static_cast<Found>(chance() % 3);
    for (NodeRecord& node : state.nodes) node.is_up = chance() % 4 != 0;
    std::erase_if(state.nodes,
                  [&chance](const NodeRecord&) { return chance() % 5 == 0; });
    CarryOut(Plan(spec, state, found), &state, &found);
    EXPECT_NE(state.Find("head"), nullptr);
    for (const NodeType& type : spec.workers) {
      for (int i = 1; i <= type.count; ++i) {
        EXPECT_NE(state.Find(type.name + "-" + std::to_string(i)), nullptr);
      }
    }
    const ClusterState before = state;
    for (const NodeStep& step : Plan(spec, state, found)) {
      EXPECT_EQ(step.kind, StepKind::kKeep) << step.node.name;
      EXPECT_EQ(step.node, *before.Find(step.node.name));
    }
  }
}

}  // namespace
}  // namespace mobula::cli
