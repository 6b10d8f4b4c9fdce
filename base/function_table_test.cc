#include "base/function_table.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace mobula::base {
namespace {

Outcome First(Invocation&) { return Bytes::Own("first"); }
Outcome Second(Invocation&) { return Bytes::Own("second"); }

FunctionEntry Entry(std::uint64_t id, std::string key, Invoker invoke) {
  return FunctionEntry{FunctionId{7, id}, key, key, invoke};
}

// The table is the program's own, so each test uses ids of its own.
TEST(FunctionTableTest, FindsWhatWasRegistered) {
  static const FunctionEntry entry = Entry(1, "one", First);
  EXPECT_EQ(FunctionTable::Get().Find(entry.id), nullptr);
  FunctionTable::Get().Register(&entry);
  EXPECT_EQ(FunctionTable::Get().Find(entry.id), &entry);
  EXPECT_EQ(FunctionTable::Get().Find(FunctionId{7, 999}), nullptr);
}

TEST(FunctionTableTest, TwiceTheSameFunctionIsNoClash) {
  static const FunctionEntry entry = Entry(2, "two", First);
  static const FunctionEntry copy = Entry(2, "two", First);
  const std::size_t before = FunctionTable::Get().Clashes().size();
  FunctionTable::Get().Register(&entry);
  FunctionTable::Get().Register(&entry);
  FunctionTable::Get().Register(&copy);
  EXPECT_EQ(FunctionTable::Get().Clashes().size(), before);
  EXPECT_EQ(FunctionTable::Get().Find(entry.id), &entry);
}

TEST(FunctionTableTest, ClashesNameBothAndTheFirstStays) {
  static const FunctionEntry entry = Entry(3, "three", First);
  static const FunctionEntry other_function = Entry(3, "three", Second);
  static const FunctionEntry other_key = Entry(3, "tres", First);
  FunctionTable::Get().Register(&entry);
  const std::size_t before = FunctionTable::Get().Clashes().size();
  FunctionTable::Get().Register(&other_function);
  FunctionTable::Get().Register(&other_key);
  const std::vector<std::string> clashes = FunctionTable::Get().Clashes();
  ASSERT_EQ(clashes.size(), before + 2);
  EXPECT_NE(clashes[before].find("key three"), std::string::npos);
  EXPECT_NE(clashes[before + 1].find("tres against three"), std::string::npos);
  EXPECT_EQ(FunctionTable::Get().Find(entry.id), &entry);
}

TEST(FunctionTableTest, ManyThreads) {
  static std::vector<FunctionEntry> entries;
  for (std::uint64_t i = 0; i < 400; ++i) {
    entries.push_back(Entry(1000 + i, "n" + std::to_string(i), First));
  }
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (std::size_t i = t; i < entries.size(); i += 4) {
        FunctionTable::Get().Register(&entries[i]);
        EXPECT_EQ(FunctionTable::Get().Find(entries[i].id), &entries[i]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const FunctionEntry& entry : entries) {
    EXPECT_EQ(FunctionTable::Get().Find(entry.id), &entry);
  }
}

}  // namespace
}  // namespace mobula::base
