#include "gcs/log/control_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/codec/codec.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "gcs/core/commit_queue.h"
#include "gcs/log/disk_table.h"
#include "gcs/log/open_log.h"

namespace mobula::gcs {
namespace {

std::string FreshFolder(const std::string& name) {
  const std::string folder = ::testing::TempDir() + "/" + name;
  std::filesystem::remove_all(folder);
  return folder;
}

TEST(ControlLogTest, WhatIsDurableIsThereAfterReopening) {
  const std::string folder = FreshFolder("reopen");
  {
    OpenLog log(folder);
    ASSERT_TRUE(log.ok()) << log.error();
    EXPECT_EQ(log.Append({{"a", "1"}, {"b", "2"}}), 1u);
    EXPECT_EQ(log.Append({{"a", std::nullopt}, {"c", "3"}}), 2u);
    log.WaitDurable(2);
    EXPECT_EQ(log.Read(), (Records{{"b", "2"}, {"c", "3"}}));
  }
  OpenLog again(folder);
  ASSERT_TRUE(again.ok()) << again.error();
  EXPECT_EQ(again.Read(), (Records{{"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(again.Append({{"d", "4"}}), 1u) << "numbers are of one opening";
}

TEST(ControlLogTest, ClosingWritesWhatWaits) {
  const std::string folder = FreshFolder("closing");
  {
    OpenLog log(folder);
    ASSERT_TRUE(log.ok()) << log.error();
    for (int i = 0; i < 100; ++i) log.Append({{std::to_string(i), "x"}});
  }
  EXPECT_EQ(OpenLog(folder).Read().size(), 100u);
}

TEST(ControlLogTest, TheFolderIsForItsUserOnly) {
  const std::string folder = FreshFolder("mode") + "/in/here";
  OpenLog log(folder);
  ASSERT_TRUE(log.ok()) << log.error();
  struct stat stat{};
  ASSERT_EQ(::stat(folder.c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 0777, 0700u);
}

TEST(ControlLogTest, TheEpochGrowsAndTheClusterStays) {
  const std::string folder = FreshFolder("epoch");
  std::optional<base::ClusterId> cluster;
  for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
    OpenLog log(folder);
    ASSERT_TRUE(log.ok()) << log.error();
    EXPECT_EQ(log.epoch(), epoch);
    if (!cluster) cluster = log.cluster();
    EXPECT_EQ(log.cluster(), *cluster);
    EXPECT_FALSE(log.cluster().IsNil());
    EXPECT_TRUE(log.Read().empty()) << "its own records are not shown";
  }
  EXPECT_NE(OpenLog(FreshFolder("epoch2")).cluster(), *cluster);
}

TEST(ControlLogTest, ASecondHolderIsToldWhoTheFirstIs) {
  const std::string folder = FreshFolder("holder");
  {
    const OpenLog first(folder);
    ASSERT_TRUE(first.ok()) << first.error();
    const OpenLog second(folder);
    ASSERT_FALSE(second.ok());
    EXPECT_TRUE(second.error().starts_with(folder + " is in use by pid " +
                                           std::to_string(::getpid()) + " on "))
        << second.error();
    EXPECT_NE(second.error().find(" since 2"), std::string::npos);
  }
  EXPECT_EQ(OpenLog(folder).epoch(), 2u) << "the refused one changed nothing";
}

TEST(ControlLogTest, AnotherVersionIsRefusedNamingBoth) {
  const std::string folder = FreshFolder("version");
  ASSERT_TRUE(OpenLog(folder).ok());
  std::string error;
  {
    const auto table = DiskTable::Open(folder, &error);
    ASSERT_NE(table, nullptr) << error;
    const std::string key("\0version", 8);
    ASSERT_TRUE(table->Get(key).has_value());
    const Batch batch = {{key, base::Encode(std::uint64_t{2})}};
    ASSERT_TRUE(table->Write({batch}, &error)) << error;
  }
  const OpenLog log(folder);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error(), "the log in " + folder +
                             " has format version 2; this program reads and "
                             "writes version 1 only");
}

TEST(ControlLogTest, AnotherProgramsTableIsRefused) {
  const std::string folder = FreshFolder("foreign");
  std::filesystem::create_directories(folder);
  std::string error;
  {
    const auto table = DiskTable::Open(folder, &error);
    ASSERT_NE(table, nullptr) << error;
    ASSERT_TRUE(table->Write({Batch{{"key", "value"}}}, &error)) << error;
  }
  const OpenLog log(folder);
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.error().find("not a control store's log"), std::string::npos);
}

TEST(ControlLogTest, AFileInPlaceOfTheFolderIsRefused) {
  const std::string folder = FreshFolder("file");
  {
    const base::UniqueFd file(::creat(folder.c_str(), 0600));
  }
  const OpenLog log(folder);
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.error().find(folder), std::string::npos) << log.error();
}

TEST(ControlLogTest, AFullDiskIsToldAndSoIsRoom) {
  std::atomic<std::int64_t> free_bytes = std::int64_t{1} << 30;
  ControlLog::Options options = OpenLog::At(FreshFolder("full"));
  options.disk_period = std::chrono::milliseconds(1);
  options.free_bytes = [&free_bytes] { return free_bytes.load(); };
  OpenLog log(options);
  ASSERT_TRUE(log.ok()) << log.error();
  log.Write("before", "1");
  EXPECT_FALSE(log.full());
  free_bytes.store(options.reserve_bytes - 1);
  log.WaitFull(true);
  log.Write("during", "2");  // deaths and leases are still written down
  free_bytes.store(std::int64_t{1} << 30);
  log.WaitFull(false);
  log.Write("after", "3");
  EXPECT_EQ(log.Read().size(), 3u);
}

TEST(ControlLogTest, AFullDiskIsSeenByTheWriteItself) {
  std::atomic<std::int64_t> free_bytes = std::int64_t{1} << 30;
  ControlLog::Options options = OpenLog::At(FreshFolder("full2"));
  options.disk_period = std::chrono::hours(1);
  options.free_bytes = [&free_bytes] { return free_bytes.load(); };
  OpenLog log(options);
  ASSERT_TRUE(log.ok()) << log.error();
  log.Write("before", "1");
  free_bytes.store(0);
  log.Write("now", "2");
  log.WaitFull(true);
}

TEST(ControlLogTest, AHundredThousandRecordsComeBack) {
  const std::string folder = FreshFolder("many");
  constexpr int kCount = 100'000;
  const std::string padding(200, 'p');
  {
    OpenLog log(folder);
    ASSERT_TRUE(log.ok()) << log.error();
    log.On([] {});
    std::uint64_t last = 0;
    for (int i = 0; i < kCount; i += 100) {
      Batch batch;
      for (int j = i; j < i + 100; ++j) {
        batch.push_back({"a" + std::to_string(j), padding + std::to_string(j)});
      }
      last = log.Append(std::move(batch));
    }
    log.WaitDurable(last);
  }
  OpenLog again(folder);
  ASSERT_TRUE(again.ok()) << again.error();
  const Records records = again.Read();
  ASSERT_EQ(records.size(), static_cast<std::size_t>(kCount));
  for (const auto& [key, value] : records) {
    ASSERT_EQ(value, padding + key.substr(1));
  }
}

}  // namespace
}  // namespace mobula::gcs
