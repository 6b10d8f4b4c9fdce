// Files of a log, cut and changed byte by byte.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "gcs/log/control_log.h"
#include "gcs/log/open_log.h"

namespace mobula::gcs {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void WriteFile(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string Value(int number) {
  return "value " + std::to_string(number) + std::string(20, 'x');
}

Records Numbered(int count) {
  Records records;
  for (int i = 1; i <= count; ++i) {
    records["key" + std::to_string(i)] = Value(i);
  }
  return records;
}

// A folder with records of which the last five are in its write-ahead log and
// `earlier` ones before them in a table file, and copies of it.
class DamageTest : public ::testing::Test {
 protected:
  static constexpr int kLast = 5;

  void Make(int earlier) {
    fs::remove_all(folder_);
    for (const bool is_last : {false, true}) {
      OpenLog log(folder_.string());
      ASSERT_TRUE(log.ok()) << log.error();
      const int first = is_last ? earlier + 1 : 1;
      const int last = is_last ? earlier + kLast : earlier;
      for (int i = first; i <= last; ++i) {
        log.Write("key" + std::to_string(i), Value(i));
      }
    }
  }
  // The one file of that kind that is in use, the newest.
  [[nodiscard]] fs::path Newest(const std::string& has) const {
    fs::path newest;
    for (const auto& file : fs::directory_iterator(folder_)) {
      const std::string name = file.path().filename().string();
      if (name.find(has) != std::string::npos && name > newest.filename()) {
        newest = file.path();
      }
    }
    return newest;
  }
  // A copy, with this in place of that file.
  std::string CopyWith(const fs::path& file, const std::string& bytes) {
    fs::remove_all(copy_);
    fs::copy(folder_, copy_, fs::copy_options::recursive);
    WriteFile(copy_ / file.filename(), bytes);
    return copy_.string();
  }
  // Opens it; "" if it does, else why not.
  std::string Refusal(const std::string& folder, int records) {
    OpenLog log(folder);
    if (!log.ok()) return log.error();
    EXPECT_EQ(log.Read(), Numbered(records));
    return "";
  }

  const fs::path folder_ = fs::path(::testing::TempDir()) / "damage";
  const fs::path copy_ = fs::path(::testing::TempDir()) / "copy";
};

TEST_F(DamageTest, ALogCutAnywhereOpensWithAllBeforeTheCut) {
  Make(0);
  const fs::path wal = Newest(".log");
  const std::string bytes = ReadFile(wal);
  // Cut at its end; then in the record of the last key, at every byte.
  const std::size_t last = bytes.rfind("key5");
  const std::size_t before = bytes.rfind("key4");
  ASSERT_NE(last, std::string::npos);
  const std::size_t record_bytes = last - before;
  ASSERT_LT(record_bytes, 100u);
  for (std::size_t cut = 0; cut <= record_bytes; ++cut) {
    const std::string folder =
        CopyWith(wal, bytes.substr(0, bytes.size() - cut));
    EXPECT_EQ(Refusal(folder, cut == 0 ? 5 : 4), "") << cut;
    EXPECT_EQ(Refusal(folder, cut == 0 ? 5 : 4), "") << "and again";
  }
}

TEST_F(DamageTest, ACutLogIsWrittenOn) {
  Make(0);
  const fs::path wal = Newest(".log");
  const std::string bytes = ReadFile(wal);
  const std::string folder = CopyWith(wal, bytes.substr(0, bytes.size() - 3));
  {
    OpenLog log(folder);
    ASSERT_TRUE(log.ok()) << log.error();
    log.Write("key5", Value(5));
    log.Write("key6", Value(6));
  }
  EXPECT_EQ(Refusal(folder, 6), "");
}

TEST_F(DamageTest, AFlippedByteInTheLogIsRefusedWithItsOffset) {
  Make(3);
  const fs::path wal = Newest(".log");
  const std::string bytes = ReadFile(wal);
  std::mt19937_64 random(1);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random() % 8);
    const std::string error = Refusal(CopyWith(wal, changed), -1);
    const std::string begin =
        (copy_ / wal.filename()).string() + " is damaged at offset ";
    ASSERT_TRUE(error.starts_with(begin)) << at << ": " << error;
    const std::size_t offset = std::stoul(error.substr(begin.size()));
    EXPECT_LE(offset, at);
    EXPECT_LT(at - offset, 200u) << "of the record";
  }
}

TEST_F(DamageTest, AFlippedByteInATableIsRefusedNamingTheFile) {
  Make(50);
  const fs::path table = Newest(".sst");
  const std::string bytes = ReadFile(table);
  ASSERT_GT(bytes.size(), 500u);
  std::mt19937_64 random(2);
  for (std::size_t at = random() % 23; at < bytes.size(); at += 23) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random() % 8);
    const std::string error = Refusal(CopyWith(table, changed), -1);
    EXPECT_NE(error.find(table.filename().string()), std::string::npos)
        << at << ": " << error;
    EXPECT_NE(error.find("damaged"), std::string::npos) << error;
  }
}

TEST_F(DamageTest, AFlippedByteInTheManifestIsRefusedWithItsOffset) {
  Make(3);
  const fs::path manifest = Newest("MANIFEST");
  const std::string bytes = ReadFile(manifest);
  std::mt19937_64 random(3);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1 << random() % 8);
    const std::string error = Refusal(CopyWith(manifest, changed), -1);
    EXPECT_NE(
        error.find(manifest.filename().string() + " is damaged at offset "),
        std::string::npos)
        << at << ": " << error;
  }
}

TEST_F(DamageTest, MissingFilesAreRefused) {
  Make(3);
  for (const char* const kind : {"CURRENT", "MANIFEST", ".sst"}) {
    const fs::path file = Newest(kind);
    fs::remove_all(copy_);
    fs::copy(folder_, copy_, fs::copy_options::recursive);
    fs::remove(copy_ / file.filename());
    EXPECT_NE(Refusal(copy_.string(), -1), "") << kind;
  }
}

TEST_F(DamageTest, AWrongCurrentIsRefused) {
  Make(3);
  const fs::path current = folder_ / "CURRENT";
  const std::string bytes = ReadFile(current);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    const std::string error = Refusal(CopyWith(current, changed), -1);
    EXPECT_NE(error.find("CURRENT is damaged"), std::string::npos)
        << at << ": " << error;
  }
}

}  // namespace
}  // namespace mobula::gcs
