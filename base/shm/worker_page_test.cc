#include "base/shm/worker_page.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "base/ids.h"

namespace mobula::base {
namespace {

std::unique_ptr<WorkerPage> ZeroedPage() {
  return std::make_unique<WorkerPage>();
}

TEST(WorkerPageTest, FitsIntoAPageAndStartsEmpty) {
  static_assert(sizeof(WorkerPage) <= 4096);
  EXPECT_EQ(ZeroedPage()->Running(), "");
}

TEST(WorkerPageTest, ShowsWhatRuns) {
  const auto page = ZeroedPage();
  page->SetRunning("CountWords");
  EXPECT_EQ(page->Running(), "CountWords");
  page->SetRunning("");
  EXPECT_EQ(page->Running(), "");
}

TEST(WorkerPageTest, WhatHasEndedIsTheLastThatRan) {
  const auto page = ZeroedPage();
  page->SetRunning("CountWords");
  page->SetBusy(false);
  EXPECT_EQ(page->Running(), "");
  EXPECT_EQ(page->Last(), "CountWords");
  page->SetBusy(true);
  EXPECT_EQ(page->Running(), "CountWords");
}

TEST(WorkerPageTest, TheFirstThatIsChargedCounts) {
  const auto page = ZeroedPage();
  EXPECT_TRUE(page->Charged().IsNil());
  page->SetRunning("shared actors");
  page->Charge(ActorId{1, 2}, "Bomb::Explode");
  page->Charge(ActorId{3, 4}, "Cell::Live");
  EXPECT_EQ(page->Charged(), (ActorId{1, 2}));
  EXPECT_EQ(page->Running(), "Bomb::Explode");
}

TEST(WorkerPageTest, CutsLongNamesAndClampsALyingLength) {
  const auto page = ZeroedPage();
  page->SetRunning(std::string(1000, 'x'));
  EXPECT_EQ(page->Running(), std::string(WorkerPage::kNameBytesMax, 'x'));
  page->name_length.store(0xffffffff);
  EXPECT_EQ(page->Running().size(), WorkerPage::kNameBytesMax);
}

TEST(WorkerPageTest, ATornPageReadsAsNothingAndTheNextWriteMendsIt) {
  const auto page = ZeroedPage();
  page->SetRunning("CountWords");
  page->sequence.store(page->sequence.load() | 1);
  EXPECT_EQ(page->Running(), "");
  page->SetRunning("Again");
  EXPECT_EQ(page->Running(), "Again");
}

TEST(WorkerPageTest, AReaderNeverSeesAMixture) {
  const auto page = ZeroedPage();
  std::atomic<bool> done = false;
  std::thread writer([&page, &done] {
    for (int i = 0; i < 20'000; ++i) {
      const auto size = static_cast<std::size_t>(1 + i % 200);
      page->SetRunning(std::string(size, static_cast<char>('a' + i % 26)));
    }
    done = true;
  });
  int whole = 0;
  while (!done) {
    const std::string text = page->Running();
    if (text.empty()) continue;
    ++whole;
    ASSERT_EQ(text, std::string(text.size(), text[0]));
  }
  writer.join();
  EXPECT_NE(page->Running(), "");
  RecordProperty("whole_reads", whole);
}

}  // namespace
}  // namespace mobula::base
