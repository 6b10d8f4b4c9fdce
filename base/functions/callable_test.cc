#include "base/functions/callable.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <typeinfo>

#include "base/bytes.h"

namespace mobula::base {
namespace {

Outcome Run(Invocation&) { return Bytes(); }
struct Actor {};
struct Other {};

FunctionEntry Entry(std::uint64_t id, const std::string& name,
                    const std::string& named_function,
                    const std::type_info* actor_class = nullptr) {
  FunctionEntry entry;
  entry.id = FunctionId{9, id};
  entry.key = "key of " + name;
  entry.name = name;
  entry.invoke = &Run;
  entry.named_function = named_function;
  entry.actor_class = actor_class;
  return entry;
}

std::string Message(const std::optional<Failure>& failure) {
  if (!failure.has_value()) return "";
  EXPECT_EQ(failure->code, FailureCode::kNoSuchFunction);
  EXPECT_EQ(failure->executed, Executed::kNo);
  return failure->message;
}

// The table is the program's own: what one test adds, the next one finds.
TEST(CallableTest, WhatIsThereIsFoundAndTheRestIsSaid) {
  const FunctionTable& table = FunctionTable::Get();
  const FunctionEntry* found = nullptr;
  EXPECT_NE(Message(FindCallable(table, {{9, 1}, "shop.add"}, &found))
                .find("it gives no names at all"),
            std::string::npos);
  EXPECT_EQ(found, nullptr);
  static const FunctionEntry add = Entry(1, "shop.add", "Add");
  static const FunctionEntry plain = Entry(2, "shop.adds", "");
  FunctionTable::Get().Register(&add);
  FunctionTable::Get().Register(&plain);
  EXPECT_EQ(Message(FindCallable(table, {{9, 1}, "shop.add"}, &found)), "");
  EXPECT_EQ(found, &add);
  EXPECT_EQ(Message(FindCallable(table, {{9, 2}, ""}, &found)), "");
  EXPECT_EQ(found, &plain);
  EXPECT_TRUE(Message(FindCallable(table, {{9, 3}, "shop.adds"}, &found))
                  .ends_with("near are shop.add"));
  EXPECT_TRUE(Message(FindCallable(table, {{9, 3}, "render"}, &found))
                  .ends_with("it has 1 names, none of them near"));
  EXPECT_NE(Message(FindCallable(table, {{9, 3}, ""}, &found))
                .find(FunctionId{9, 3}.ToString()),
            std::string::npos);
}

TEST(CallableTest, MethodsRunOnActorsOfTheirClassOnly) {
  const FunctionEntry function = Entry(1, "F", "");
  const FunctionEntry method = Entry(1, "M", "", &typeid(Actor));
  const FunctionEntry constructor = Entry(2, "Actor", "", &typeid(Actor));
  const FunctionEntry other = Entry(3, "Other", "", &typeid(Other));
  EXPECT_EQ(Message(Misplaced(function, nullptr)), "");
  EXPECT_EQ(Message(Misplaced(method, &constructor)), "");
  EXPECT_NE(Message(Misplaced(method, nullptr)).find("it is a method"),
            std::string::npos);
  EXPECT_NE(Message(Misplaced(function, &constructor)).find("it is no method"),
            std::string::npos);
  EXPECT_TRUE(Message(Misplaced(method, &other)).ends_with(", Other"));
}

TEST(CallableTest, TwoFunctionsWithOneNameClash) {
  static const FunctionEntry first = Entry(10, "clash", "First");
  static const FunctionEntry same = Entry(10, "clash", "First");
  static const FunctionEntry second = Entry(10, "clash", "Second");
  FunctionTable& table = FunctionTable::Get();
  table.Register(&first);
  table.Register(&same);
  EXPECT_TRUE(table.Clashes().empty());
  table.Register(&second);
  ASSERT_EQ(table.Clashes().size(), 1u);
  const std::string clash = table.Clashes()[0];
  for (const char* part : {"\"clash\"", "First (", "Second ("}) {
    EXPECT_NE(clash.find(part), std::string::npos) << clash;
  }
}

}  // namespace
}  // namespace mobula::base
