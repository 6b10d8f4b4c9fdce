#include "raylet/server/line_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "base/control/control_address.h"

namespace mobula::raylet {
namespace {

using base::ControlAddress;

LineRequest In(const std::string& store, bool is_head,
               const std::string& asked = "") {
  LineRequest request;
  request.folder = "/run/5f01";
  request.asked = asked;
  request.is_head = is_head;
  std::string error;
  if (!store.empty()) request.store = ControlAddress::Parse(store, &error);
  EXPECT_EQ(error, "");
  return request;
}

LinePlan Plan(const LineRequest& request) {
  std::string error;
  const auto plan = PlanLines(request, &error);
  EXPECT_TRUE(plan) << error;
  return plan.value_or(LinePlan());
}

std::string WhyNot(const LineRequest& request) {
  std::string error;
  EXPECT_FALSE(PlanLines(request, &error));
  return error;
}

TEST(LinePlan, OnOneMachineItIsASocketInTheSessionsFolder) {
  const LinePlan plan = Plan(In("", true));
  EXPECT_EQ(plan.door, "unix:/run/5f01/peers.sock");
  EXPECT_EQ(plan.door_host, "");
}

TEST(LinePlan, ByTlsItIsTheAddressTowardsTheStore) {
  EXPECT_EQ(Plan(In("tls:127.0.0.1:6380", false)).door, "tls:127.0.0.1:0");
  EXPECT_EQ(Plan(In("tls:127.0.0.1:6380", true)).door, "tls:127.0.0.1:0");
  // Whichever it is here: one host, and not each.
  const std::string door = Plan(In("tls:0.0.0.0:6380", true)).door;
  EXPECT_TRUE(door.starts_with("tls:")) << door;
  EXPECT_EQ(door.find("0.0.0.0"), std::string::npos) << door;
}

TEST(LinePlan, WhatIsAskedForIsTaken) {
  LinePlan plan = Plan(In("tls:127.0.0.1:6380", false, "tls:10.0.0.9:7000"));
  EXPECT_EQ(plan.door, "tls:10.0.0.9:7000");
  EXPECT_EQ(plan.door_host, "");
  // Others cannot be told "each address".
  plan = Plan(In("tls:127.0.0.1:6380", false, "0.0.0.0:7000"));
  EXPECT_EQ(plan.door, "tls:0.0.0.0:7000");
  EXPECT_EQ(plan.door_host, "127.0.0.1");
  EXPECT_NE(WhyNot(In("", true, "tls:10.0.0.9:7000")).find("--listen tls:"),
            std::string::npos);
  EXPECT_NE(WhyNot(In("tls:127.0.0.1:1", true, "unix:/a")).find("tls:HOST"),
            std::string::npos);
  EXPECT_NE(WhyNot(In("tls:127.0.0.1:1", true, "127.0.0.1:7")).find("tls:HOST"),
            std::string::npos);
}

}  // namespace
}  // namespace mobula::raylet
