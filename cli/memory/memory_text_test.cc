#include "cli/memory/memory_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/frames/memory_message.h"
#include "base/ids.h"
#include "cli/memory/memory_view.h"

namespace mobula::cli {
namespace {

ProcessEntry Process(int pid, const std::string& role,
                     const std::string& name) {
  ProcessEntry process;
  process.process = {1, static_cast<std::uint64_t>(pid)};
  process.pid = pid;
  process.role = role;
  process.name = name;
  process.is_complete = true;
  return process;
}

Holder HeldBy(std::size_t process, Why why, std::int64_t count = 1) {
  Holder holder;
  holder.process = process;
  holder.why = why;
  holder.count = count;
  return holder;
}

ObjectEntry Object(std::uint64_t n, std::uint64_t bytes, std::size_t owner) {
  ObjectEntry entry;
  entry.object = {0xab, n};
  entry.job = {0xd0 + owner, 1};
  entry.byte_count = bytes;
  entry.owner = owner;
  entry.where = Where::kInline;
  entry.state = State::kReady;
  return entry;
}

// A raylet, a driver, a worker and an actor's; the last is silent.
class MemoryTextTest : public testing::Test {
 protected:
  MemoryTextTest() : views_(1) {
    MemoryView& view = views_[0];
    view.node = {4, 1};
    view.node_name = "here";
    view.store.bytes_max = std::uint64_t{64} << 20;
    view.stored_bytes = std::uint64_t{20} << 20;
    view.processes = {Process(10, "raylet", ""), Process(11, "driver", "hello"),
                      Process(12, "worker", ""),
                      Process(13, "worker", "Keeper")};
    view.processes[3].actor_name = "one";
    view.processes[3].is_complete = false;
    view.processes[3].silent_ms = 2'000;
    ObjectEntry large = Object(1, std::uint64_t{20} << 20, 1);
    large.where = Where::kStore;
    large.stored_bytes = large.byte_count;
    large.names = {"default/model"};
    large.holders = {HeldBy(1, Why::kHandle, 2), HeldBy(3, Why::kLent),
                     HeldBy(0, Why::kName)};
    large.holders[2].name = "default/model";
    view.objects.push_back(std::move(large));
    ObjectEntry small = Object(2, 100, 2);
    small.is_of_cycles = true;
    small.holders = {HeldBy(2, Why::kInside, 2)};
    small.holders[0].inside = {{0xab, 2}, {0xab, 3}};
    view.objects.push_back(std::move(small));
    Cycle cycle;
    cycle.members = {{{0xab, 2}, {}, ""}, {{}, {3, 1}, "one"}};
    cycle.byte_count = 100;
    view.cycles.push_back(cycle);
  }
  std::string Text(MemorySelection selection = {}) {
    return TextOf(views_, Select(views_, selection));
  }
  std::string Json(MemorySelection selection = {}) {
    return JsonOf(views_, Select(views_, selection));
  }

  std::vector<MemoryView> views_;
};

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(MemoryTextTest, ATableForPeople) {
  EXPECT_EQ(
      Text(),
      "OBJECT                            SIZE      WHERE   STATE  OWNER  "
      "         HELD BY          WHY\n"
      "00000000000000ab0000000000000001  20.0 MiB  store   ready  11 hell"
      "o        11 hello         2 handles\n"
      "                                                                  "
      "         13 Keeper \"one\"  lent, and it has not said why\n"
      "                                                                  "
      "         a name           published as default/model\n"
      "00000000000000ab0000000000000002  100 B     inline  ready  12 idle"
      " worker  12 idle worker   inside 00000000000000ab0000000000000002 "
      "and 1 more\n"
      "cycle 1: 2 members, 100 B, held by nothing else\n"
      "  object 00000000000000ab0000000000000002\n"
      "  actor 00000000000000030000000000000001 one\n"
      "silent: 13 Keeper \"one\", for 2s\n"
      "2 objects, 20.0 MiB; in the store 20.0 MiB of 64.0 MiB; 100 B that only "
      "cycles hold; 1 silent process; 0 B that no process claims\n");
}

TEST_F(MemoryTextTest, WhatIsLeftOutIsCounted) {
  views_[0].processes[1].left_out = 12'345;
  views_[0].processes[1].bytes_left_out = 2'048;
  MemorySelection selection;
  selection.limit = 1;
  const std::string text = Text(selection);
  EXPECT_TRUE(Holds(text, "\n1 more; --limit N\n")) << text;
  EXPECT_TRUE(
      Holds(text, "12,345 objects (2.0 KiB) of 11 hello are only counted\n"))
      << text;
  EXPECT_FALSE(Holds(text, "ab0000000000000002  100")) << text;
  EXPECT_TRUE(Holds(text, "2 objects, ")) << "the totals are of all";
  EXPECT_TRUE(Holds(Json(selection), R"("left_out":1,"cycles")"));
  selection.limit = 0;
  EXPECT_TRUE(Holds(Text(selection), "1 more cycle; --limit N\n"));
}

TEST_F(MemoryTextTest, OnlyOneJob) {
  MemorySelection selection;
  selection.job = "00000000000000d1";
  const std::string text = Text(selection);
  EXPECT_TRUE(Holds(text, "1 object, 20.0 MiB;")) << text;
  EXPECT_FALSE(Holds(text, "cycle 1")) << text;
  selection.job = "00000000000000d2";
  EXPECT_TRUE(Holds(Text(selection), "cycle 1"));
  selection.job = "ff";
  EXPECT_TRUE(Holds(Text(selection), "0 objects, 0 B;"));
}

TEST_F(MemoryTextTest, Groups) {
  MemorySelection selection;
  selection.group_by = "owner";
  EXPECT_TRUE(
      Text(selection).starts_with("GROUP      OBJECTS  SIZE      IN THE STORE\n"
                                  "11 driver  1        20.0 MiB  20.0 MiB\n"
                                  "12 worker  1        100 B     0 B\n"))
      << Text(selection);
  selection.group_by = "job";
  EXPECT_TRUE(
      Holds(Text(selection), "00000000000000d10000000000000001  1        20.0"))
      << Text(selection);
  selection.group_by = "function";
  EXPECT_TRUE(Holds(Text(selection), "\nhello  1 ")) << Text(selection);
  EXPECT_TRUE(Json(selection).starts_with(
      R"({"groups":[{"group":"hello","objects":1,"bytes":20971520,)"))
      << Json(selection);
}

TEST_F(MemoryTextTest, JsonForPrograms) {
  const std::string json = Json();
  EXPECT_TRUE(json.starts_with(
      R"({"objects":[{"object":"00000000000000ab0000000000000001",)"
      R"("bytes":20971520,"stored_bytes":20971520,"where":"store",)"
      R"("state":"ready",)"))
      << json;
  EXPECT_TRUE(Holds(json, R"("names":["default/model"])"));
  EXPECT_TRUE(Holds(json, R"("why":"inside a value","count":2,"inside":[")"));
  EXPECT_TRUE(Holds(json, R"("held_from_outside":false)"));
  EXPECT_TRUE(Holds(json, R"("complete":false,"silent_ms":2000)"));
  EXPECT_TRUE(Holds(json, R"("cycle_bytes":100,"unclaimed_bytes":0,)"
                          R"("silent":1,"left_out":0})"))
      << json;
}

TEST_F(MemoryTextTest, SeveralNodesAreToldApart) {
  views_.push_back(views_[0]);
  views_[1].node_name = "there";
  const std::string text = Text();
  EXPECT_TRUE(Holds(text, "NODE")) << text;
  EXPECT_TRUE(Holds(text, "there")) << text;
}

TEST_F(MemoryTextTest, NothingIsSaidInOneLine) {
  views_[0] = MemoryView();
  EXPECT_EQ(Text(),
            "0 objects, 0 B; in the store 0 B of 0 B; 0 B that only cycles "
            "hold; 0 silent processes; 0 B that no process claims\n");
}

}  // namespace
}  // namespace mobula::cli
