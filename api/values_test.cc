// Views, buffers and how arguments become parameters, in local mode and on
// worker processes.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace values {

using Numbers = std::vector<double>;
using NumbersView = mobula::View<Numbers>;

// ---- what runs remotely -----------------------------------------------------

double SumOf(std::span<const double> numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}
double SumOfView(NumbersView numbers) { return SumOf(numbers); }
double SumOfConstView(const NumbersView& numbers) { return SumOf(numbers); }
double SumOfValue(const Numbers& numbers) { return SumOf(numbers); }
bool IsAligned(NumbersView numbers) {
  return reinterpret_cast<std::uintptr_t>(numbers.data()) % 64 == 0;
}
std::size_t Length(std::string_view text) { return text.size(); }
std::size_t LengthOfView(mobula::View<std::string> text) { return text.size(); }
int SumOfBytes(std::span<const std::byte> bytes) {
  int sum = 0;
  for (const std::byte byte : bytes) sum += std::to_integer<int>(byte);
  return sum;
}
float SumOfThree(mobula::View<std::array<float, 3>> three) {
  return three[0] + three[1] + three[2];
}
Numbers Count(std::size_t size) {
  Numbers numbers(size);
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

// Passes its view on, to a task of its own.
double SumThere(NumbersView numbers) {
  return mobula::Get(mobula::Spawn<SumOf>(numbers));
}

// Fills a buffer where it runs.
mobula::Buffer<std::int32_t> Filled(std::size_t size) {
  auto buffer = mobula::NewBuffer<std::int32_t>(size);
  std::iota(buffer.begin(), buffer.end(), 0);
  return buffer;
}

// Keeps what it is given.
class Keeper {
 public:
  explicit Keeper(NumbersView numbers) : numbers_(std::move(numbers)) {}

  double Sum() const { return SumOf(numbers_); }
  void Keep(NumbersView numbers) { numbers_ = std::move(numbers); }

 private:
  NumbersView numbers_;
};

// Copies: may be given any of the three.
class Copier {
 public:
  explicit Copier(std::span<const double> numbers)
      : numbers_(numbers.begin(), numbers.end()) {}
  double Sum() const { return SumOf(numbers_); }

 private:
  Numbers numbers_;
};

namespace {

// ---- in both modes ----------------------------------------------------------

class ValuesTest : public testing::TestWithParam<bool> {
 protected:
  mobula::Runtime runtime_ =
      mobula::Init(mobula::InitOptions().Local(GetParam()).Cpus(2));
  const Numbers numbers_ = Count(10'000);
  const double sum_ = 50'005'000;
};

INSTANTIATE_TEST_SUITE_P(Modes, ValuesTest, testing::Values(true, false),
                         [](const testing::TestParamInfo<bool>& info) {
                           return info.param ? "Local" : "Workers";
                         });

TEST_P(ValuesTest, AViewShowsTheValueAndCopiesItWhenAsked) {
  const mobula::Ref<Numbers> ref = mobula::Put(numbers_);
  const NumbersView view = mobula::GetView(ref);
  ASSERT_EQ(view.size(), numbers_.size());
  EXPECT_EQ(view[41], 42);
  EXPECT_EQ(view.Copy(), numbers_);
  EXPECT_EQ(SumOf(view), sum_);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data()) % 64, 0u);
  const std::string text(5000, 'x');
  const auto letters = mobula::GetView(mobula::Put(text));
  EXPECT_EQ(std::string_view(letters), text);
  EXPECT_EQ(letters.Copy(), text);
}

TEST_P(ValuesTest, AViewOutlivesItsRefAndTheRuntime) {
  mobula::Ref<Numbers> ref = mobula::Spawn<Count>(10'000);
  NumbersView view = ref.GetView();
  ref = {};
  EXPECT_EQ(SumOf(view), sum_);
  runtime_.Shutdown();
  const NumbersView copy = view;
  const NumbersView moved = std::move(view);
  EXPECT_EQ(SumOf(copy), sum_);
  EXPECT_EQ(SumOf(moved), sum_);
  EXPECT_TRUE(view.empty());  // NOLINT(bugprone-use-after-move): it says so
}

TEST_P(ValuesTest, ParametersAreReadInPlaceWhateverIsGiven) {
  const mobula::Ref<Numbers> ref = mobula::Put(numbers_);
  const NumbersView view = ref.GetView();
  const std::span<const double> span(numbers_);
  EXPECT_EQ(mobula::Spawn<SumOf>(numbers_).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOf>(ref).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOf>(view).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOf>(span).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfView>(numbers_).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfView>(ref).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfView>(view).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfView>(span).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfConstView>(ref).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfValue>(view).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumOfValue>(span).Get(), sum_);
  EXPECT_EQ(mobula::Spawn<SumThere>(ref).Get(), sum_);
  EXPECT_TRUE(mobula::Spawn<IsAligned>(ref).Get());
}

TEST_P(ValuesTest, TextAndBytesAreReadInPlace) {
  const std::string text(9000, 'x');
  EXPECT_EQ(mobula::Spawn<Length>("four").Get(), 4u);
  EXPECT_EQ(mobula::Spawn<Length>(text).Get(), 9000u);
  EXPECT_EQ(mobula::Spawn<Length>(std::string_view(text)).Get(), 9000u);
  EXPECT_EQ(mobula::Spawn<Length>(mobula::Put(text)).Get(), 9000u);
  EXPECT_EQ(mobula::Spawn<LengthOfView>(text).Get(), 9000u);
  EXPECT_EQ(mobula::Spawn<LengthOfView>("four").Get(), 4u);
  const std::vector<std::byte> bytes(6000, std::byte{2});
  EXPECT_EQ(mobula::Spawn<SumOfBytes>(bytes).Get(), 12'000);
  EXPECT_EQ(mobula::Spawn<SumOfBytes>(mobula::Put(bytes)).Get(), 12'000);
  const std::array<float, 3> three = {1, 2, 4};
  EXPECT_EQ(mobula::Spawn<SumOfThree>(three).Get(), 7);
  EXPECT_EQ(mobula::Spawn<SumOfThree>(mobula::Put(three)).Get(), 7);
}

TEST_P(ValuesTest, SpansArePutAsVectors) {
  const std::span<const double> span(numbers_);
  const mobula::Ref<Numbers> ref = mobula::Put(span.subspan(9'990));
  EXPECT_EQ(ref.Get(), Numbers(numbers_.end() - 10, numbers_.end()));
  const mobula::Ref<std::string> text = mobula::Put(std::string_view("text"));
  EXPECT_EQ(text.Get(), "text");
}

TEST_P(ValuesTest, ABufferIsFilledAndSealed) {
  for (const std::size_t size : {0, 3, 200, 5'000, 100'000}) {
    auto buffer = Filled(size);
    ASSERT_EQ(buffer.size(), size);
    if (size * sizeof(std::int32_t) >= 1024) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    }
    auto moved = std::move(buffer);
    const mobula::Ref<std::vector<std::int32_t>> ref = moved.Seal();
    EXPECT_TRUE(moved.empty());
    const std::vector<std::int32_t> value = ref.Get();
    ASSERT_EQ(value.size(), size);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(value[i], static_cast<std::int32_t>(i));
    }
    EXPECT_THROW(moved.Seal(), mobula::BadArgument);
  }
  auto bytes = mobula::NewBuffer<std::byte>(6000);
  std::fill(bytes.begin(), bytes.end(), std::byte{1});
  EXPECT_EQ(mobula::Spawn<SumOfBytes>(bytes.Seal()).Get(), 6000);
  EXPECT_THROW(mobula::NewBuffer<double>(std::size_t{1} << 62),
               mobula::ValueTooLarge);
}

TEST_P(ValuesTest, ABufferThatIsNotSealedIsGivenBack) {
  const std::span<std::int32_t> all = Filled(100'000).span();
  EXPECT_EQ(all.size(), 100'000u);
  auto late = Filled(10);
  runtime_.Shutdown();
  EXPECT_THROW(late.Seal(), mobula::RuntimeClosed);
  EXPECT_THROW(mobula::NewBuffer<int>(3), mobula::RuntimeClosed);
}

TEST_P(ValuesTest, AnActorKeepsViews) {
  const mobula::Ref<Numbers> ref = mobula::Put(numbers_);
  auto of_ref = mobula::Create<Keeper>(ref);
  auto of_value = mobula::Create<Keeper>(numbers_);
  auto of_view = mobula::Create<Keeper>(ref.GetView());
  auto of_span = mobula::Create<Keeper>(std::span<const double>(numbers_));
  for (const auto& keeper : {of_ref, of_value, of_view, of_span}) {
    EXPECT_EQ(keeper.Call<&Keeper::Sum>().Get(), sum_);
  }
  mobula::Get(of_ref.Call<&Keeper::Keep>(mobula::Put(Numbers(1000, 2))));
  EXPECT_EQ(of_ref.Call<&Keeper::Sum>().Get(), 2000);
  auto copier = mobula::Create<Copier>(ref);
  EXPECT_EQ(copier.Call<&Copier::Sum>().Get(), sum_);
  EXPECT_EQ(mobula::Create<Copier>(ref.GetView()).Call<&Copier::Sum>().Get(),
            sum_);
}

}  // namespace
}  // namespace values
