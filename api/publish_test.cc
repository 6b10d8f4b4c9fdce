// Published values, in local mode and on worker processes.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace published {

struct Score {
  std::string name;
  double value = 0;
};

struct Inside {
  mobula::Ref<int> ref;
};

std::string Make(std::size_t size) { return std::string(size, 'x'); }
std::string Refuse() { throw std::invalid_argument("not today"); }
void PublishThere(const std::string& name, const std::string& value) {
  mobula::Publish(name, mobula::Put(value));
}
std::size_t SizeThere(const std::string& name) {
  return mobula::Lookup<std::string>(name).Get().size();
}
std::size_t SizeOf(const std::string& value) { return value.size(); }

namespace {

using mobula::PublishOptions;

enum class Mode { kLocal, kWorkers };

class PublishTest : public testing::TestWithParam<Mode> {
 protected:
  static mobula::InitOptions Options() {
    mobula::InitOptions options;
    options.Cpus(2).ObjectStoreMemory("32MiB");
    if (GetParam() == Mode::kLocal) options.Local();
    return options;
  }

  mobula::Runtime runtime_ = mobula::Init(Options());
};

TEST_P(PublishTest, AValueIsFoundByItsName) {
  Score score;
  score.name = "v7";
  score.value = 0.5;
  mobula::Publish("best", mobula::Put(score));
  const mobula::Ref<Score> best = mobula::Lookup<Score>("best");
  EXPECT_TRUE(best.Ready());
  EXPECT_EQ(best.Get().name, "v7");
  EXPECT_THROW(mobula::Lookup<int>("best").Get(), mobula::DecodeError);
  EXPECT_TRUE(mobula::Unpublish("best"));
  EXPECT_FALSE(mobula::Unpublish("best"));
  EXPECT_EQ(best.Get().name, "v7") << "who has it keeps it";
  EXPECT_THROW(mobula::Lookup<Score>("best"), mobula::NoSuchObject);
}

TEST_P(PublishTest, ANameIsHeldUntilItIsReplaced) {
  mobula::Publish("n", mobula::Put(1));
  try {
    mobula::Publish("n", mobula::Put(2));
    FAIL();
  } catch (const mobula::NameTaken& error) {
    EXPECT_NE(error.message().find("Replace()"), std::string::npos)
        << error.message();
  }
  EXPECT_EQ(mobula::Lookup<int>("n").Get(), 1);
  mobula::Publish("n", mobula::Put(3), PublishOptions().Replace());
  EXPECT_EQ(mobula::Lookup<int>("n").Get(), 3);
  mobula::Publish("n", mobula::Put(4), PublishOptions().Namespace("other"));
  EXPECT_EQ(mobula::Lookup<int>("n").Get(), 3);
  EXPECT_EQ(mobula::Lookup<int>("n", "other").Get(), 4);
  EXPECT_TRUE(mobula::Unpublish("n", "other"));
  EXPECT_EQ(mobula::Lookup<int>("n").Get(), 3);
}

TEST_P(PublishTest, WhoLooksForNothingIsToldWhatToDo) {
  try {
    mobula::Lookup<int>("nothing");
    FAIL();
  } catch (const mobula::NoSuchObject& error) {
    EXPECT_NE(error.message().find("'nothing'"), std::string::npos);
    EXPECT_NE(error.message().find("mobula::Publish"), std::string::npos);
  }
}

TEST_P(PublishTest, TasksPublishAndLookUp) {
  mobula::Spawn<PublishThere>("there", "value").Get();
  EXPECT_EQ(mobula::Lookup<std::string>("there").Get(), "value");
  EXPECT_EQ(mobula::Spawn<SizeThere>("there").Get(), 5u);
  EXPECT_EQ(mobula::Spawn<SizeOf>(mobula::Lookup<std::string>("there")).Get(),
            5u);
}

TEST_P(PublishTest, AResultIsAwaitedAndItsFailureThrown) {
  mobula::Publish("made", mobula::Spawn<Make>(std::size_t{10}));
  EXPECT_EQ(mobula::Lookup<std::string>("made").Get().size(), 10u);
  EXPECT_THROW(mobula::Publish("bad", mobula::Spawn<Refuse>()),
               std::invalid_argument);
  EXPECT_THROW(mobula::Lookup<std::string>("bad"), mobula::NoSuchObject);
}

TEST_P(PublishTest, LargeOnesAreBoundedWhereTheyAreDurable) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const PublishOptions durable = PublishOptions().Durable();
  mobula::Publish("large", mobula::Put(Make(3 * kMiB)), durable);
  EXPECT_EQ(mobula::Lookup<std::string>("large").Get().size(), 3 * kMiB);
  EXPECT_EQ(mobula::Spawn<SizeThere>("large").Get(), 3 * kMiB);
  try {
    mobula::Publish("too large", mobula::Put(Make(5 * kMiB)), durable);
    FAIL();
  } catch (const mobula::ValueTooLarge& error) {
    EXPECT_NE(error.message().find("4194304"), std::string::npos)
        << error.message();
  }
  EXPECT_THROW(mobula::Lookup<std::string>("too large"), mobula::NoSuchObject);
}

TEST_P(PublishTest, LargeOnesStayWhereTheyAre) {
  constexpr std::size_t kSize = std::size_t{8} << 20;
  mobula::Publish("model", mobula::Spawn<Make>(kSize));
  mobula::Ref<std::string> model = mobula::Lookup<std::string>("model");
  EXPECT_EQ(mobula::GetView(model).size(), kSize);
  EXPECT_EQ(mobula::Spawn<SizeThere>("model").Get(), kSize);
  EXPECT_EQ(mobula::Spawn<SizeOf>(model).Get(), kSize);
  mobula::Publish("same", model);
  mobula::Publish("model", mobula::Put(Make(kSize / 2)),
                  PublishOptions().Replace());
  EXPECT_EQ(model.Get().size(), kSize) << "who has it keeps it";
  EXPECT_EQ(mobula::Lookup<std::string>("model").Get().size(), kSize / 2);
  EXPECT_TRUE(mobula::Unpublish("model"));
  EXPECT_THROW(mobula::Lookup<std::string>("model"), mobula::NoSuchObject);
  model = mobula::Ref<std::string>();
  EXPECT_EQ(mobula::Lookup<std::string>("same").Get().size(), kSize);
}

// The store has 32 MiB: what is taken away or replaced makes room.
TEST_P(PublishTest, ANameThatIsTakenAwayFreesItsBytes) {
  constexpr std::size_t kSize = std::size_t{8} << 20;
  for (int i = 0; i < 20; ++i) {
    mobula::Publish("turn", mobula::Put(Make(kSize)),
                    PublishOptions().Replace());
    EXPECT_EQ(mobula::GetView(mobula::Lookup<std::string>("turn")).size(),
              kSize);
  }
  EXPECT_TRUE(mobula::Unpublish("turn"));
}

TEST_P(PublishTest, RefsInsideAreRefused) {
  const Inside inside{mobula::Put(1)};
  EXPECT_THROW(mobula::Publish("inside", mobula::Put(inside)),
               mobula::BadArgument);
}

TEST_P(PublishTest, BadNamesAreRefused) {
  const mobula::Ref<int> value = mobula::Put(1);
  for (const char* const name : {"", "a/b", "a\nb"}) {
    EXPECT_THROW(mobula::Publish(name, value), mobula::BadArgument);
  }
  EXPECT_THROW(mobula::Publish(std::string(257, 'n'), value),
               mobula::BadArgument);
  EXPECT_THROW(PublishOptions().Namespace("a/b"), mobula::BadArgument);
  EXPECT_THROW(mobula::Publish("nothing", mobula::Ref<int>()),
               mobula::BadArgument);
}

INSTANTIATE_TEST_SUITE_P(Modes, PublishTest,
                         testing::Values(Mode::kLocal, Mode::kWorkers),
                         [](const testing::TestParamInfo<Mode>& info) {
                           return info.param == Mode::kLocal ? "Local"
                                                             : "Workers";
                         });

}  // namespace
}  // namespace published
