#include "api/mobula/values/view.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/codec/codec.h"
#include "base/value.h"

namespace mobula {
namespace {

using Numbers = std::vector<double>;

template <class T>
base::Value Inline(const T& value) {
  return base::Bytes::Own(base::Encode(value));
}

template <class T>
std::string WhyNot(const base::Value& value) {
  View<T> view;
  std::string why;
  return ViewAccess::Read(value, nullptr, &view, &why) ? "" : why;
}

template <class T>
View<T> Read(const base::Value& value) {
  return detail::ReadView<T>(value, nullptr);
}

static_assert(std::is_convertible_v<View<Numbers>, std::span<const double>>);
static_assert(std::is_convertible_v<View<std::string>, std::string_view>);
static_assert(!std::is_convertible_v<View<Numbers>, std::string_view>);
static_assert(detail::kIsViewable<std::vector<std::byte>>);
static_assert(detail::kIsViewable<std::array<std::int16_t, 3>>);
static_assert(!detail::kIsViewable<std::vector<bool>>);
static_assert(!detail::kIsViewable<std::vector<std::string>>);
static_assert(!detail::kIsViewable<double>);

TEST(ViewTest, OfNothing) {
  const View<Numbers> view;
  EXPECT_TRUE(view.empty());
  EXPECT_EQ(view.Copy(), Numbers());
  EXPECT_EQ(view.begin(), view.end());
  EXPECT_EQ(Read<Numbers>(Inline(Numbers())).size(), 0u);
}

TEST(ViewTest, ShowsAndCopies) {
  for (const std::size_t size : {1, 100, 1000, 10'000}) {
    const Numbers numbers(size, 2.5);
    const auto view = Read<Numbers>(Inline(numbers));
    EXPECT_EQ(view.Copy(), numbers);
    EXPECT_EQ(view.span().size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data()) % 8, 0u);
  }
  EXPECT_EQ(Read<std::string>(Inline(std::string("text"))).Copy(), "text");
  const std::array<int, 3> three = {1, 2, 3};
  EXPECT_EQ((Read<std::array<int, 3>>(Inline(three)).Copy()), three);
}

TEST(ViewTest, WhatIsShortDoesNotKeepTheMessageItCameIn) {
  auto owner = std::make_shared<const std::string>(
      base::Encode(std::string("short")) + std::string(1 << 20, 'x'));
  const std::weak_ptr<const std::string> message = owner;
  const std::string_view bytes = std::string_view(*owner).substr(0, 6);
  const auto view =
      Read<std::string>(base::Bytes::Share(std::move(owner), bytes));
  EXPECT_TRUE(message.expired());
  EXPECT_EQ(std::string_view(view), "short");
}

TEST(ViewTest, WhatIsLongIsKeptByEachCopy) {
  auto owner = std::make_shared<const std::string>(
      base::Encode(std::string(10'000, 'x')));
  const std::weak_ptr<const std::string> message = owner;
  const std::string_view bytes = *owner;
  auto view = Read<std::string>(base::Bytes::Share(std::move(owner), bytes));
  EXPECT_EQ(view.data() + view.size(), bytes.data() + bytes.size());
  auto copy = view;
  view = {};
  EXPECT_FALSE(message.expired());
  auto moved = std::move(copy);
  EXPECT_EQ(moved[9'999], 'x');
  moved = {};
  EXPECT_TRUE(message.expired());
}

TEST(ViewTest, IsEncodedAsItsValue) {
  const Numbers numbers(300, 0.5);
  EXPECT_EQ(base::Encode(Read<Numbers>(Inline(numbers))),
            base::Encode(numbers));
  const std::string text(300, 'x');
  EXPECT_EQ(base::Encode(Read<std::string>(Inline(text))), base::Encode(text));
  const std::array<char, 2> two = {'a', 'b'};
  EXPECT_EQ(base::Encode(Read<std::array<char, 2>>(Inline(two))),
            base::Encode(two));
}

TEST(ViewTest, OtherBytesAreRefusedAndSaidWhy) {
  EXPECT_NE(WhyNot<Numbers>(Inline(std::vector<float>{1})), "");
  EXPECT_NE(WhyNot<Numbers>(Inline(std::string("text"))), "");
  EXPECT_NE(WhyNot<std::string>(Inline(7)), "");
  EXPECT_NE(WhyNot<Numbers>(base::Value()), "");
  const std::string why =
      WhyNot<std::array<int, 3>>(Inline(std::vector<int>{1, 2}));
  EXPECT_NE(why.find("3 elements"), std::string::npos) << why;
  EXPECT_THROW(Read<Numbers>(Inline(7)), DecodeError);
  const std::string behind = base::Encode(Numbers{1}) + "x";
  EXPECT_NE(WhyNot<Numbers>(base::Value(base::Bytes::Own(behind))), "");
}

}  // namespace
}  // namespace mobula
