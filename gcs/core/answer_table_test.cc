#include "gcs/core/answer_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <variant>

#include "base/control/control_request.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/core/events.h"
#include "gcs/core/record.h"

namespace mobula::gcs {
namespace {

const base::ProcessId kProcess{1, 1}, kOther{1, 2};
const base::NodeId kNode{2, 1};

class AnswerTableTest : public ::testing::Test {
 protected:
  AnswerTableTest() : table_(/*answers_max=*/4) {}
  ~AnswerTableTest() override { table_.CheckInvariants(); }

  void Add(base::ProcessId process, std::uint64_t lo,
           base::NodeId node = base::NodeId()) {
    base::ControlCall call;
    call.from = process;
    call.request = base::RequestId{process.lo, lo};
    base::KeyAnswer answer;
    answer.version = lo;
    table_.Add(call, node, answer, effects_);
  }
  // The version that was answered; 0 if nothing is known.
  [[nodiscard]] std::uint64_t Find(base::ProcessId process,
                                   std::uint64_t lo) const {
    const auto* const reply =
        table_.Find(process, base::RequestId{process.lo, lo});
    return reply == nullptr ? 0 : std::get<base::KeyAnswer>(*reply).version;
  }

  AnswerTable table_;
  Effects effects_;
};

TEST_F(AnswerTableTest, RemembersByProcessAndRequest) {
  Add(kProcess, 1);
  Add(kOther, 2);
  EXPECT_EQ(Find(kProcess, 1), 1u);
  EXPECT_EQ(Find(kProcess, 2), 0u);
  EXPECT_EQ(Find(kOther, 2), 2u);
}

TEST_F(AnswerTableTest, ForgetsWhatItsProcessHas) {
  for (std::uint64_t lo = 1; lo <= 3; ++lo) Add(kProcess, lo);
  Add(kOther, 1);
  table_.Trim(kProcess, 3, effects_);
  EXPECT_EQ(Find(kProcess, 2), 0u);
  EXPECT_EQ(Find(kProcess, 3), 3u);
  EXPECT_EQ(Find(kOther, 1), 1u);
  ASSERT_EQ(effects_.size(), 6u);
  const Write& gone = std::get<Write>(effects_[4]);
  EXPECT_FALSE(gone.value.has_value());
  EXPECT_EQ(gone.key, AnswerRecordKey(kProcess, base::RequestId{1, 1}));
}

TEST_F(AnswerTableTest, ForgetsTheNodeOrTheProcess) {
  Add(kProcess, 1, kNode);
  Add(kProcess, 2);
  Add(kOther, 1, kNode);
  table_.ForgetNode(kNode, effects_);
  EXPECT_EQ(table_.size(), 1u);
  EXPECT_EQ(Find(kProcess, 2), 2u);
  table_.ForgetProcess(kProcess, effects_);
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(AnswerTableTest, TheOldestGoFirstBeyondTheBound) {
  for (std::uint64_t lo = 1; lo <= 3; ++lo) Add(kOther, lo);
  for (std::uint64_t lo = 1; lo <= 3; ++lo) Add(kProcess, lo);
  EXPECT_EQ(table_.size(), 4u);
  EXPECT_EQ(Find(kOther, 2), 0u);
  EXPECT_EQ(Find(kOther, 3), 3u);
}

TEST_F(AnswerTableTest, RestoresWhatItWroteInItsOrder) {
  for (std::uint64_t lo = 1; lo <= 4; ++lo) Add(kOther, lo);
  AnswerTable again(4);
  // In the order of keys or any other.
  for (auto write = effects_.rbegin(); write != effects_.rend(); ++write) {
    std::string_view value = *std::get<Write>(*write).value;
    const auto ids = ParseAnswerRecordKey(std::get<Write>(*write).key);
    std::string error;
    AnswerRecord answer;
    char version = 0;
    ASSERT_TRUE(TakeVersion(&value, kRecordVersion, &version, &error));
    ASSERT_TRUE(DecodeAnswer(value, &answer, &error)) << error;
    ASSERT_TRUE(again.Restore(ids->first, ids->second, answer, &error));
    EXPECT_FALSE(again.Restore(ids->first, ids->second, answer, &error));
  }
  base::ControlCall call;
  call.from = kProcess;
  call.request = base::RequestId{1, 1};
  again.Add(call, kNode, base::Done(), effects_);
  EXPECT_EQ(again.Find(kOther, base::RequestId{2, 1}), nullptr) << "oldest";
  EXPECT_NE(again.Find(kOther, base::RequestId{2, 2}), nullptr);
  again.CheckInvariants();
}

TEST_F(AnswerTableTest, RefusesWhatIsNoAnswerToAMutation) {
  std::string error;
  AnswerRecord answer;
  const AnswerRecord failed{1, kNode, base::Failure()};
  EXPECT_FALSE(DecodeAnswer(EncodeAnswer(failed), &answer, &error));
  const AnswerRecord without_order{0, kNode, base::Done()};
  EXPECT_FALSE(DecodeAnswer(EncodeAnswer(without_order), &answer, &error));
  EXPECT_FALSE(DecodeAnswer("nonsense", &answer, &error));
  const AnswerRecord good{1, kNode, base::Done()};
  EXPECT_TRUE(DecodeAnswer(EncodeAnswer(good), &answer, &error));
}

}  // namespace
}  // namespace mobula::gcs
