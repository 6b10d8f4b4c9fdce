#include "raylet/questions/node_questions.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/boot_time.h"
#include "base/failure.h"
#include "base/frames/memory_message.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::ProcessId;
using base::RefsAre;
using base::RequestId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ProcessId kTool{9, 1};
constexpr ProcessId kOtherTool{9, 2};
constexpr ProcessId kA{1, 1};
constexpr ProcessId kB{1, 2};

RequestId Request(std::uint64_t n) { return {5, n}; }

NodeQuestions::Options Small() {
  NodeQuestions::Options options;
  options.questions_max = 2;
  options.rows_max = 10;
  options.ids_max = 8;
  options.rows_of_process_min = 2;
  options.unanswered_max = 3;
  return options;
}

class NodeQuestionsTest : public testing::Test {
 protected:
  ~NodeQuestionsTest() override { questions_.CheckInvariants(); }

  void Ask(std::uint64_t n, ProcessId tool = kTool,
           const std::vector<ProcessId>& processes = {kA, kB}) {
    questions_.Ask({tool, Request(n), seconds(2), /*mark=*/n}, processes, now_,
                   out_);
  }
  void Say(ProcessId from, std::uint64_t n, std::size_t rows = 1,
           bool is_last = true) {
    RefsAre refs;
    refs.request = Request(n);
    refs.is_last = is_last;
    refs.objects.resize(rows);
    for (base::HeldObject& row : refs.objects) row.byte_count = 7;
    questions_.Said(from, refs, now_, out_);
  }
  void SayTasks(ProcessId from, std::uint64_t n, std::size_t rows) {
    base::TasksAre tasks;
    tasks.request = Request(n);
    tasks.rows.resize(rows);
    questions_.Said(from, tasks, now_, out_);
  }
  void Later(base::Duration time) {
    now_ = now_ + time;
    questions_.Tick(now_, out_);
  }
  template <class M>
  [[nodiscard]] std::vector<M> Sent(ProcessId to) const {
    std::vector<M> found;
    for (const auto& [receiver, message] : out_.send) {
      const M* m = std::get_if<M>(&message);
      if (receiver == to && m != nullptr) found.push_back(*m);
    }
    return found;
  }

  NodeQuestions questions_{Small()};
  NodeQuestions::Out out_;
  BootTime now_ = BootTime::FromSinceBoot(seconds(100));
};

TEST_F(NodeQuestionsTest, WhatEachSaysIsPassedOnUntilAllHaveSaidAll) {
  Ask(1);
  const auto asked = Sent<base::ListRefs>(kA);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].request, Request(1));
  EXPECT_EQ(asked[0].rows_max, 5u) << "they share";
  EXPECT_EQ(Sent<base::ListRefs>(kB).size(), 1u);
  Say(kA, 1, 1, /*is_last=*/false);
  Say(kA, 1);
  EXPECT_TRUE(out_.ended.empty());
  Say(kB, 1);
  const auto parts = Sent<base::MemoryPart>(kTool);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].process, kA);
  EXPECT_EQ(parts[2].process, kB);
  ASSERT_EQ(out_.ended.size(), 1u);
  EXPECT_EQ(out_.ended[0].tool, kTool);
  EXPECT_EQ(out_.ended[0].mark, 1u);
  EXPECT_EQ(out_.ended[0].complete, (std::set<ProcessId>{kA, kB}));
  EXPECT_TRUE(out_.ended[0].silent.empty());
  EXPECT_EQ(questions_.size(), 0u);
  EXPECT_TRUE(questions_.NextDeadline().IsNever());
}

TEST_F(NodeQuestionsTest, NobodyIsThere) {
  Ask(1, kTool, {});
  EXPECT_EQ(out_.ended.size(), 1u);
}

TEST_F(NodeQuestionsTest, WhoIsSilentHoldsNobodyUp) {
  Ask(1);
  EXPECT_EQ(questions_.NextDeadline(), now_ + seconds(2));
  Say(kB, 1);
  Say(kA, 1, 1, /*is_last=*/false);
  Later(milliseconds(1'999));
  EXPECT_TRUE(out_.ended.empty());
  Later(milliseconds(1));
  ASSERT_EQ(out_.ended.size(), 1u);
  EXPECT_EQ(out_.ended[0].silent,
            (std::map<ProcessId, base::Duration>{{kA, seconds(2)}}));
  EXPECT_EQ(out_.ended[0].complete, (std::set<ProcessId>{kB}));
}

TEST_F(NodeQuestionsTest, SinceWhenIsSinceTheFirstThatWasNotAnswered) {
  Ask(1);
  Say(kB, 1);
  Later(seconds(2));
  Later(seconds(8));
  Ask(2);
  Say(kB, 2);
  Later(seconds(2));
  ASSERT_EQ(out_.ended.size(), 2u);
  EXPECT_EQ(out_.ended[1].silent.at(kA), seconds(12));
  // It is heard again, of both.
  Say(kA, 1);
  Ask(3);
  Say(kB, 3);
  Later(seconds(2));
  EXPECT_EQ(out_.ended[2].silent.at(kA), seconds(4));
  EXPECT_EQ(Sent<base::MemoryPart>(kTool).size(), 3u)
      << "what comes too late is nobody's";
}

TEST_F(NodeQuestionsTest, WhoLeavesManyUnansweredIsNotAskedAgain) {
  for (std::uint64_t n = 1; n <= 5; ++n) {
    Ask(n);
    Say(kB, n);
    if (n <= 3) {
      EXPECT_EQ(out_.ended.size(), n - 1) << "it is waited for";
      Later(seconds(2));
    }
    EXPECT_EQ(out_.ended.size(), n);
    EXPECT_TRUE(out_.ended.back().silent.contains(kA));
  }
  EXPECT_EQ(Sent<base::ListRefs>(kA).size(), 3u);
  Say(kA, 1);
  Ask(6);
  EXPECT_EQ(Sent<base::ListRefs>(kA).size(), 4u);
}

TEST_F(NodeQuestionsTest, TooManyAtOnceAreRefused) {
  Ask(1);
  Ask(2);
  ASSERT_EQ(Sent<base::QuestionRefused>(kTool).size(), 1u) << "one a tool";
  EXPECT_EQ(Sent<base::QuestionRefused>(kTool)[0].failure.code,
            base::FailureCode::kLimit);
  Ask(3, kOtherTool);
  Ask(4, {9, 3});
  EXPECT_EQ(Sent<base::QuestionRefused>({9, 3}).size(), 1u);
  EXPECT_EQ(questions_.size(), 2u);
  EXPECT_EQ(Sent<base::ListRefs>(kA).size(), 2u);
}

TEST_F(NodeQuestionsTest, RowsOverTheBoundAreCounted) {
  Ask(1);
  Say(kA, 1, 6, /*is_last=*/false);
  Say(kA, 1, 6);
  Say(kB, 1, 5);
  const auto parts = Sent<base::MemoryPart>(kTool);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].refs.objects.size(), 6u);
  EXPECT_EQ(parts[1].refs.objects.size(), 4u);
  EXPECT_EQ(parts[1].refs.objects_left_out, 2u);
  EXPECT_EQ(parts[1].refs.bytes_left_out, 14u);
  EXPECT_EQ(parts[2].refs.objects.size(), 0u);
  EXPECT_EQ(parts[2].refs.objects_left_out, 5u);
}

TEST_F(NodeQuestionsTest, IdsOverTheBoundAreCounted) {
  Ask(1);
  RefsAre refs;
  refs.request = Request(1);
  refs.objects.resize(3);
  for (base::HeldObject& row : refs.objects) {
    row.inside.resize(2);
    row.lent.resize(1);
  }
  refs.actors.resize(1);
  refs.actors[0].arguments.resize(9);
  questions_.Said(kA, refs, now_, out_);
  const auto parts = Sent<base::MemoryPart>(kTool);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_TRUE(parts[0].refs.actors[0].arguments.empty());
  EXPECT_EQ(parts[0].refs.objects[1].inside.size(), 2u);
  EXPECT_TRUE(parts[0].refs.objects[2].inside.empty());
  EXPECT_TRUE(parts[0].refs.objects[2].lent.empty());
  EXPECT_EQ(parts[0].refs.objects[2].left_out, 3u);
  Say(kB, 1);
}

TEST_F(NodeQuestionsTest, TasksAreAskedForInTheSameWay) {
  NodeQuestions::Question question{kTool, Request(1), seconds(2), 1};
  question.tasks = base::ListTasks{2'000, 3, {}};
  questions_.Ask(question, {kA, kB}, now_, out_);
  const auto asked = Sent<base::ListOwnTasks>(kA);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].request, Request(1));
  EXPECT_EQ(asked[0].rows_max, 3u) << "no more than was asked for";
  SayTasks(kA, 1, 6);
  SayTasks(kB, 1, 6);
  const auto parts = Sent<base::TaskPart>(kTool);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].process, kA);
  EXPECT_EQ(parts[0].tasks.rows.size(), 6u);
  EXPECT_EQ(parts[1].tasks.rows.size(), 4u);
  EXPECT_EQ(parts[1].tasks.left_out, 2u);
  ASSERT_EQ(out_.ended.size(), 1u);
  EXPECT_TRUE(out_.ended[0].is_of_tasks);
}

TEST_F(NodeQuestionsTest, TheShareBoundsWhatIsAskedFor) {
  NodeQuestions::Question question{kTool, Request(1), seconds(2), 1};
  question.tasks = base::ListTasks{2'000, 1'000, base::TaskId{4, 4}};
  questions_.Ask(question, {kA, kB}, now_, out_);
  const auto asked = Sent<base::ListOwnTasks>(kB);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].rows_max, 5u);
  EXPECT_EQ(asked[0].task, (base::TaskId{4, 4}));
}

TEST_F(NodeQuestionsTest, AnAnswerToAnotherQuestionIsIgnored) {
  Ask(1);
  SayTasks(kA, 1, 1);
  EXPECT_TRUE(Sent<base::TaskPart>(kTool).empty());
  Later(seconds(2));
  ASSERT_EQ(out_.ended.size(), 1u);
  EXPECT_TRUE(out_.ended[0].silent.contains(kA));
  EXPECT_FALSE(out_.ended[0].is_of_tasks);
}

TEST_F(NodeQuestionsTest, WhoEndsIsNotWaitedFor) {
  Ask(1);
  Say(kB, 1);
  questions_.Gone(kA, now_, out_);
  ASSERT_EQ(out_.ended.size(), 1u);
  EXPECT_TRUE(out_.ended[0].silent.empty());
}

TEST_F(NodeQuestionsTest, AToolThatEndsIsToldNothingMore) {
  Ask(1);
  questions_.Gone(kTool, now_, out_);
  EXPECT_EQ(questions_.size(), 0u);
  Say(kA, 1);
  Later(seconds(5));
  EXPECT_TRUE(out_.ended.empty());
  EXPECT_TRUE(Sent<base::MemoryPart>(kTool).empty());
}

TEST_F(NodeQuestionsTest, WhatNobodyAskedIsIgnored) {
  Say(kA, 7);
  Ask(1, kTool, {kA});
  Say(kB, 1);
  EXPECT_TRUE(Sent<base::MemoryPart>(kTool).empty());
  EXPECT_TRUE(out_.ended.empty());
}

// Whatever comes, each question ends once and in time.
TEST_F(NodeQuestionsTest, RandomQuestions) {
  std::mt19937_64 random(11);
  std::map<ProcessId, BootTime> open;  // by tool, its deadline
  std::set<ProcessId> alive;
  for (std::uint64_t n = 1; n <= 6; ++n) alive.insert({1, n});
  std::map<ProcessId, std::vector<std::uint64_t>> asked;
  std::uint64_t made = 6;
  std::uint64_t request = 0;
  for (int i = 0; i < 20'000; ++i) {
    out_.send.clear();
    out_.ended.clear();
    const ProcessId tool{9, 1 + random() % 4};
    auto some = alive.begin();
    std::advance(some, random() % alive.size());
    switch (random() % 6) {
      case 0:
        Ask(++request, tool, {alive.begin(), alive.end()});
        if (Sent<base::QuestionRefused>(tool).empty()) {
          EXPECT_TRUE(open.try_emplace(tool, now_ + seconds(2)).second);
        }
        break;
      case 1:
        questions_.Gone(*some, now_, out_);
        asked.erase(*some);
        alive.erase(some);
        alive.insert({1, ++made});
        break;
      case 2:
        if (random() % 4 != 0) break;
        questions_.Gone(tool, now_, out_);
        open.erase(tool);
        break;
      case 3:
        Later(milliseconds(random() % 600));
        break;
      default:
        if (asked[*some].empty()) break;
        Say(*some, asked[*some].front(), random() % 4, random() % 3 > 0);
        if (random() % 3 > 0) asked[*some].erase(asked[*some].begin());
    }
    for (const auto& [to, message] : out_.send) {
      const auto* list = std::get_if<base::ListRefs>(&message);
      if (list != nullptr) asked[to].push_back(list->request.lo);
    }
    for (const auto& ended : out_.ended) {
      ASSERT_EQ(open.erase(ended.tool), 1u);
      for (const ProcessId one : ended.complete) {
        EXPECT_FALSE(ended.silent.contains(one));
      }
    }
    questions_.CheckInvariants();
    EXPECT_EQ(questions_.size(), open.size());
    for (const auto& [of, deadline] : open) EXPECT_GE(deadline, now_);
  }
  EXPECT_GT(request, 1'000u);
}

}  // namespace
}  // namespace mobula::raylet
