// Refs inside values, as arguments and as results.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace refs {

using std::chrono::seconds;

using Text = mobula::Ref<std::string>;

// ---- what runs remotely -----------------------------------------------------

struct Page {
  std::string title;
  Text text;
  std::optional<Text> note;
  std::vector<Text> tiles;
  std::map<std::string, Text> links;
  std::variant<int, Text> either;
  std::unique_ptr<Text> boxed;
};

// Holds Refs of its own kind.
struct Tree {
  int value = 0;
  std::vector<mobula::Ref<Tree>> below;
};

class Named {
 public:
  Named() = default;
  Named(std::string name, Text text)
      : name_(std::move(name)), text_(std::move(text)) {}
  std::string Read() const { return name_ + text_.Get(); }

 private:
  std::string name_;
  Text text_;
  MOBULA_FIELDS(Named, name_, text_)
};
static_assert(mobula::FieldNames<Named>().size() == 2);
static_assert(mobula::FieldNames<Named>()[1] == "text_");

std::string Echo(const std::string& text) { return text; }
std::string ReadRef(const Text& text) { return text.Get(); }
bool IsReady(Text text) { return text.Ready(); }
bool IsEmpty(Text text) { return !text; }
Text PassOn(Text text) { return text; }
Text MakeText(const std::string& text) { return mobula::Put(text); }
Text SpawnText(const std::string& text) { return mobula::Spawn<Echo>(text); }
std::string ReadNamed(const Named& named) { return named.Read(); }
std::string ThrowsText() { throw std::runtime_error("no text"); }

std::string ReadPage(const Page& page) {
  std::string all = page.title + page.text.Get();
  if (page.note.has_value()) all += page.note->Get();
  for (const Text& tile : page.tiles) all += tile.Get();
  for (const auto& [name, text] : page.links) all += name + text.Get();
  all += std::get<Text>(page.either).Get() + page.boxed->Get();
  return all;
}

Page MakePage(const std::string& prefix) {
  Page page;
  page.title = "title ";
  page.text = mobula::Put(prefix + "1");
  page.note = mobula::Put(prefix + "2");
  page.tiles = {mobula::Put(prefix + "3"), page.text};
  page.links["x"] = mobula::Spawn<Echo>(prefix + "4");
  page.either = page.text;
  page.boxed = std::make_unique<Text>(mobula::Put(prefix + "5"));
  return page;
}

mobula::Ref<Tree> MakeTree(int depth) {
  Tree tree;
  tree.value = depth;
  for (int i = 0; i < 2 && depth > 0; ++i) {
    tree.below.push_back(MakeTree(depth - 1));
  }
  return mobula::Put(tree);
}

int SumOfTree(const Tree& tree) {
  int sum = tree.value;
  for (const auto& below : tree.below) sum += SumOfTree(below.Get());
  return sum;
}

std::size_t LengthOfAll(const std::vector<Text>& texts) {
  std::size_t length = 0;
  for (const std::string& text : mobula::Get(texts)) length += text.size();
  return length;
}

std::vector<Text> MakeMany(int count) {
  std::vector<Text> texts;
  for (int i = 0; i < count; ++i) {
    texts.push_back(mobula::Put(std::to_string(i)));
  }
  return texts;
}

// Keeps Refs while nobody else does.
class Shelf {
 public:
  Shelf() = default;
  // Only a Ref will do.
  explicit Shelf(Text text) : texts_{std::move(text)} {}

  void Keep(Text text) { texts_.push_back(std::move(text)); }
  void KeepAll(std::vector<Text> texts) { texts_ = std::move(texts); }
  Text At(int index) const {
    return texts_.at(static_cast<std::size_t>(index));
  }
  std::string Read(int index) const { return At(index).Get(); }
  std::size_t Size() const { return texts_.size(); }

 private:
  std::vector<Text> texts_;
};

namespace {

// ---- the tests --------------------------------------------------------------

class RefsTest : public testing::TestWithParam<bool> {
 protected:
  mobula::Runtime runtime_ =
      mobula::Init(mobula::InitOptions().Local(GetParam()).Cpus(2));
};

INSTANTIATE_TEST_SUITE_P(Modes, RefsTest, testing::Values(true, false),
                         [](const testing::TestParamInfo<bool>& info) {
                           return info.param ? "Local" : "Workers";
                         });

TEST_P(RefsTest, InAllKindsOfPlaces) {
  const std::string all = "title a1a2a3a1xa4a1a5";
  const Page page = MakePage("a");
  EXPECT_EQ(ReadPage(page), all);
  EXPECT_EQ(mobula::Spawn<ReadPage>(mobula::Put(page)).Get(seconds(60)), all);
  const mobula::Ref<Page> made = mobula::Spawn<MakePage>("a");
  EXPECT_EQ(mobula::Spawn<ReadPage>(made).Get(seconds(60)), all);
  EXPECT_EQ(ReadPage(made.Get(seconds(60))), all);
  const Named named("name ", mobula::Put(std::string("text")));
  EXPECT_EQ(mobula::Spawn<ReadNamed>(named).Get(seconds(60)), "name text");
}

TEST_P(RefsTest, OfLargeValues) {
  const std::string large(100'000, 'x');
  const std::string all = mobula::Spawn<ReadPage>(MakePage(large)).Get();
  EXPECT_EQ(all.size(), 7 * 100'001 + 7);
  EXPECT_EQ(mobula::Spawn<ReadRef>(mobula::Put(large)).Get(seconds(60)), large);
  EXPECT_EQ(mobula::Spawn<MakeText>(large).Get(seconds(60)).Get(seconds(60)),
            large);
}

TEST_P(RefsTest, TheParameterDecidesWhetherTheRefOrItsValueTravels) {
  const Text text = mobula::Put(std::string("text"));
  EXPECT_EQ(mobula::Spawn<Echo>(text).Get(seconds(60)), "text");
  EXPECT_EQ(mobula::Spawn<ReadRef>(text).Get(seconds(60)), "text");
  // A Ref to a Ref is one that is given: its value is the Ref.
  const mobula::Ref<Text> of_ref = mobula::Spawn<PassOn>(text);
  EXPECT_EQ(mobula::Spawn<ReadRef>(of_ref).Get(seconds(60)), "text");
  EXPECT_TRUE(mobula::Spawn<IsEmpty>(Text()).Get(seconds(60)));
}

TEST_P(RefsTest, AFailureTravelsAsTheRefThatHasIt) {
  const Text failed = mobula::Spawn<ThrowsText>();
  // Its value is wanted: the call fails. It is wanted itself: the call runs.
  EXPECT_THROW(mobula::Spawn<Echo>(failed).Get(seconds(60)), mobula::TaskError);
  EXPECT_FALSE(mobula::Spawn<IsEmpty>(failed).Get(seconds(60)));
  const auto passed = mobula::Spawn<PassOn>(failed).Get(seconds(60));
  EXPECT_THROW(passed.Get(seconds(60)), mobula::TaskError);
}

TEST_P(RefsTest, OfRefsAreReturned) {
  const mobula::Ref<Text> made = mobula::Spawn<MakeText>("made");
  EXPECT_EQ(made.Get(seconds(60)).Get(seconds(60)), "made");
  const mobula::Ref<Text> spawned = mobula::Spawn<SpawnText>("spawned");
  EXPECT_EQ(spawned.Get(seconds(60)).Get(seconds(60)), "spawned");
  const mobula::Ref<mobula::Ref<Text>> deep = mobula::Put(spawned);
  EXPECT_EQ(deep.Get().Get(seconds(60)).Get(seconds(60)), "spawned");
}

TEST_P(RefsTest, AValueKeepsWhatItMentions) {
  mobula::Ref<Tree> root = MakeTree(4);
  EXPECT_EQ(mobula::Spawn<SumOfTree>(root).Get(seconds(60)), 26);
  mobula::Ref<std::vector<Text>> all;
  {
    std::vector<Text> texts = MakeMany(3);
    all = mobula::Put(texts);
  }
  std::vector<Text> inside = all.Get();
  all = {};
  EXPECT_EQ(mobula::Get(inside), (std::vector<std::string>{"0", "1", "2"}));
}

TEST_P(RefsTest, ManyInOneValueAndInOneCall) {
  constexpr int kCount = 10'000;
  std::size_t length = 0;
  for (int i = 0; i < kCount; ++i) length += std::to_string(i).size();
  const std::vector<Text> texts = MakeMany(kCount);
  EXPECT_EQ(LengthOfAll(texts), length);
  EXPECT_EQ(mobula::Spawn<LengthOfAll>(texts).Get(seconds(120)), length);
  const auto ref = mobula::Put(texts);
  EXPECT_EQ(ref.Get().size(), texts.size());
  const auto made = mobula::Spawn<MakeMany>(kCount);
  EXPECT_EQ(LengthOfAll(made.Get(seconds(120))), length);
}

TEST_P(RefsTest, ManyAreWaitedForOneByOne) {
  std::vector<Text> left;
  for (int i = 0; i < 1000; ++i) {
    left.push_back(mobula::Spawn<Echo>(std::to_string(i)));
  }
  std::size_t seen = 0;
  while (!left.empty()) {
    auto [ready, not_ready] = mobula::Wait(left, 1, seconds(60));
    ASSERT_FALSE(ready.empty());
    seen += ready.size();
    left = std::move(not_ready);
  }
  EXPECT_EQ(seen, 1000u);
}

TEST_P(RefsTest, AnActorKeepsThem) {
  auto shelf = mobula::Create<Shelf>();
  shelf.Call<&Shelf::Keep>(mobula::Put(std::string("kept")));
  shelf.Call<&Shelf::Keep>(mobula::Spawn<Echo>("also"));
  EXPECT_EQ(shelf.Call<&Shelf::Read>(0).Get(seconds(60)), "kept");
  EXPECT_EQ(shelf.Call<&Shelf::At>(1).Get(seconds(60)).Get(seconds(60)),
            "also");
  shelf.Call<&Shelf::KeepAll>(mobula::Spawn<MakeMany>(5));
  EXPECT_EQ(shelf.Call<&Shelf::Read>(4).Get(seconds(60)), "4");
  EXPECT_EQ(mobula::Create<Shelf>(mobula::Put(std::string("first")))
                .Call<&Shelf::Read>(0)
                .Get(seconds(60)),
            "first");
}

TEST_P(RefsTest, CannotBeWhereNobodyCountsThem) {
  Page page = MakePage("a");
  EXPECT_THROW(mobula::KvPut("page", page), mobula::BadArgument);
  EXPECT_THROW(
      mobula::Create<Shelf>(mobula::ActorOptions().Name("shelf").Detached(),
                            mobula::Put(std::string("first"))),
      mobula::BadArgument);
  const Text text = mobula::Put(std::string("old"));
  runtime_.Shutdown();
  const auto again = mobula::Init(mobula::InitOptions().Local());
  EXPECT_THROW(mobula::Put(std::vector<Text>{text}), mobula::BadArgument);
  EXPECT_THROW(mobula::Spawn<ReadRef>(text), mobula::BadArgument);
  EXPECT_THROW(mobula::Spawn<Echo>(text), mobula::BadArgument);
}

// ---- local mode -------------------------------------------------------------

// A call of a busy actor waits, and its arguments with it.
class Busy {
 public:
  void Fill() {
    own_->Call<&Busy::Keep>(mobula::Put(std::string("unnamed")));
    own_->Call<&Busy::KeepAll>(
        std::vector<Text>{mobula::Put(std::string("x"))});
  }
  void Keep(const std::string& text) { kept_ += text; }
  void KeepAll(const std::vector<Text>& texts) { kept_ += texts[0].Get(); }
  std::string Kept() { return kept_; }

  static mobula::Actor<Busy>* own_;

 private:
  std::string kept_;
};
mobula::Actor<Busy>* Busy::own_ = nullptr;

TEST(LocalRefsTest, ACallThatWaitsKeepsItsArguments) {
  const auto runtime = mobula::Init(mobula::InitOptions().Local());
  auto busy = mobula::Create<Busy>();
  Busy::own_ = &busy;
  busy.Call<&Busy::Fill>();
  EXPECT_EQ(busy.Call<&Busy::Kept>().Get(), "unnamedx");
}

}  // namespace
}  // namespace refs
