#include "api/mobula/values/encoding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/mobula/error.h"
#include "base/codec/codec.h"
#include "base/value.h"

namespace mobula::detail {
namespace {

template <class T>
base::Value InlineOf(const T& value) {
  Encoding encoding(WritableOf(value));
  return encoding.Inline();
}

// Mentions an object each time that it is written.
struct Mention {
  std::uint64_t object = 0;
  std::shared_ptr<int> holder;
  std::string more;

  void MobulaEncode(base::Writer& out) const {
    out.Array(2);
    out.Uint(out.refs()->Add({base::ObjectId{1, object}, {2, 2}}, holder));
    out.Str(more);
  }
};

struct Growing {
  mutable std::size_t size = base::kInlineBytesMax + 1;
  void MobulaEncode(base::Writer& out) const {
    out.Str(std::string(size++, 'x'));
  }
};

struct Endless {
  std::unique_ptr<Endless> next;
};

TEST(EncodingTest, IsWhatTheCodecWrites) {
  for (const std::size_t size : {0, 1, 4000, 4093, 4094, 100'000}) {
    const std::string text(size, 'x');
    EXPECT_EQ(InlineOf(text).view(), base::Encode(text));
    const std::vector<double> numbers(size, 0.5);
    EXPECT_EQ(InlineOf(numbers).view(), base::Encode(numbers));
  }
}

TEST(EncodingTest, AtMostSoManyBytesAreShort) {
  const std::string text(base::kInlineBytesMax - 3, 'x');
  Encoding encoding(WritableOf(text));
  EXPECT_EQ(encoding.size(), base::kInlineBytesMax);
  EXPECT_TRUE(encoding.is_short());
  const std::string longer = text + "x";
  EXPECT_FALSE(Encoding(WritableOf(longer)).is_short());
}

TEST(EncodingTest, WhatIsLongIsAligned) {
  const std::vector<double> numbers(1000, 0.5);
  const base::Value value = InlineOf(numbers);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(value.view().data()) % 64, 0u);
}

TEST(EncodingTest, MentionsAreGatheredOnceAndKept) {
  const auto held = std::make_shared<int>(7);
  for (const std::size_t size : {10, 10'000}) {
    std::vector<Mention> mentions;
    for (std::uint64_t i = 0; i < 3; ++i) {
      mentions.push_back({i, held, std::string(size, 'x')});
    }
    auto encoding = std::make_unique<Encoding>(WritableOf(mentions));
    const base::Value value = encoding->Inline();
    ASSERT_EQ(value.refs().size(), 3u);
    EXPECT_EQ(value.refs()[2].object, (base::ObjectId{1, 2}));
    auto kept = encoding->Kept();
    encoding.reset();
    mentions.clear();
    EXPECT_EQ(held.use_count(), 4);
    kept.reset();
    EXPECT_EQ(held.use_count(), 1);
  }
  const int none = 7;
  EXPECT_EQ(Encoding(WritableOf(none)).Kept(), nullptr);
}

TEST(EncodingTest, WhatCannotBeEncodedIsRefused) {
  EXPECT_THROW(InlineOf(Growing()), BadArgument);
  Endless endless;
  Endless* last = &endless;
  for (int i = 0; i < 300; ++i) {
    last->next = std::make_unique<Endless>();
    last = last->next.get();
  }
  EXPECT_THROW(Encoding{WritableOf(endless)}, BadArgument);
  EXPECT_THROW(InlineOf(std::string(300 << 20, 'x')), ValueTooLarge);
}

}  // namespace
}  // namespace mobula::detail
