#include "base/functions/near_names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mobula::base {
namespace {

using Names = std::vector<std::string>;

TEST(NearNamesTest, TheNearestComeFirst) {
  const Names names = {"shop.buy", "shop.adds", "shop.add", "other"};
  EXPECT_EQ(NearNames("shop.ad", names), (Names{"shop.add", "shop.adds"}));
  EXPECT_EQ(NearNames("shop.ad", names, 1), Names{"shop.add"});
  EXPECT_EQ(NearNames("hops.add", names), (Names{"shop.add", "shop.adds"}));
  EXPECT_EQ(NearNames("shop.bu", names).front(), "shop.buy");
}

TEST(NearNamesTest, CaseDoesNotMatter) {
  EXPECT_EQ(NearNames("SHOP.ADD", Names{"Shop.Add", "shop.sub"}),
            (Names{"Shop.Add"}));
}

TEST(NearNamesTest, APartIsNear) {
  const Names names = {"acme.warehouse.count_everything", "x"};
  EXPECT_EQ(NearNames("count", names), Names{names[0]});
  EXPECT_EQ(NearNames("acme.warehouse.count_everything_twice_and_again", names),
            Names{names[0]});
}

TEST(NearNamesTest, WhatIsFarIsNotNamed) {
  EXPECT_TRUE(NearNames("shop.add", Names{"render", "x", ""}).empty());
  EXPECT_TRUE(NearNames("", Names{"a", "bc"}).empty());
  EXPECT_TRUE(NearNames("ab", Names{"cd"}).empty());
  EXPECT_TRUE(NearNames("a", Names{}).empty());
}

TEST(NearNamesTest, LongNamesAreCut) {
  const std::string many(100'000, 'a');
  EXPECT_EQ(NearNames(many, Names{many + "b"}).size(), 1u);
}

}  // namespace
}  // namespace mobula::base
