#include "api/mobula/nodes/placement.h"

#include <gtest/gtest.h>

#include <string>

#include "api/mobula/error.h"

namespace mobula {
namespace {

TEST(Placement, SaysWhatWasAskedFor) {
  Placement placement;
  placement.OnNode(base::NodeId{1, 2}).Label("disk", "fast").Soft();
  EXPECT_EQ(placement.values().kind, base::PlacementKind::kNode);
  EXPECT_EQ(placement.values().node, (base::NodeId{1, 2}));
  EXPECT_EQ(placement.values().labels.at("disk"), "fast");
  EXPECT_TRUE(placement.values().soft);
  EXPECT_EQ(Placement().Spread().values().kind, base::PlacementKind::kSpread);
  EXPECT_EQ(Placement().values().kind, base::PlacementKind::kHybrid);
}

TEST(Placement, WhatMakesNoSenseIsRefused) {
  EXPECT_THROW(Placement().OnNode(base::NodeId()), BadArgument);
  EXPECT_THROW(Placement().Spread().Spread(), BadArgument);
  EXPECT_THROW(Placement().Spread().OnNode(base::NodeId{1, 1}), BadArgument);
  EXPECT_THROW(Placement().Label("", "x"), BadArgument);
  EXPECT_THROW(Placement().Label("a", "x").Label("a", "y"), BadArgument);
  Placement many;
  for (int i = 0; i < 64; ++i) many.Label("key" + std::to_string(i), "");
  EXPECT_THROW(many.Label("one more", ""), BadArgument);
}

}  // namespace
}  // namespace mobula
