#include "base/security/audit_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "base/security/secret_file.h"

namespace mobula::base {
namespace {

class AuditLogTest : public testing::Test {
 protected:
  AuditLogTest() {
    std::string name = testing::TempDir() + "/auditXXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/audit.log";
  }
  ~AuditLogTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<AuditLog> Open(AuditLog::Options options = {}) {
    std::string error;
    auto log = AuditLog::Open(path_, options, &error);
    EXPECT_NE(log, nullptr) << error;
    return log;
  }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static std::size_t Lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::string folder_;
  std::string path_;
};

TEST_F(AuditLogTest, ALineIsOneObjectWhateverIsInIt) {
  Open()->Write({1'800'000'000, false, "refused", "10.0.0.7:1",
                 "a \"quote\"\n\\ and \x01\xff"});
  EXPECT_EQ(Read(path_),
            "{\"at\":\"2027-01-15T08:00:00Z\",\"allow\":false,"
            "\"what\":\"refused\",\"from\":\"10.0.0.7:1\",\"detail\":"
            "\"a \\\"quote\\\"\\u000a\\\\ and \\u0001\\u00ff\"}\n");
  EXPECT_EQ(WrongWithSecretFile(path_), "");
  Open()->Write({1'800'000'001, true, "admitted", "", std::string(9999, 'x')});
  EXPECT_EQ(Lines(Read(path_)), 2U);
  EXPECT_LT(Read(path_).size(), 1000U);
}

TEST_F(AuditLogTest, FilesAndTheirNumberAreBounded) {
  AuditLog::Options options;
  options.file_bytes_max = 1000;
  options.files_max = 3;
  const auto log = Open(options);
  for (int i = 0; i < 200; ++i) {
    log->Write({i, true, "admitted", "", std::to_string(i)});
  }
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    ++files;
    EXPECT_LE(file.file_size(), 1000U);
    EXPECT_EQ(WrongWithSecretFile(file.path()), "");
  }
  EXPECT_EQ(files, 3U);
  EXPECT_NE(Read(path_).find("\"199\""), std::string::npos);
}

TEST_F(AuditLogTest, AFloodIsCountedNotWritten) {
  const auto log = Open();
  for (int i = 0; i < 1000; ++i) log->Write({7, false, "refused", "", ""});
  EXPECT_EQ(Lines(Read(path_)), 10U);
  log->Write({7, true, "admitted", "", ""});  // is never left out
  EXPECT_EQ(Lines(Read(path_)), 11U);
  log->Write({8, false, "refused", "", "next"});
  EXPECT_NE(Read(path_).find("990 more were refused"), std::string::npos);
  EXPECT_EQ(Lines(Read(path_)), 13U);
}

TEST_F(AuditLogTest, AFileOfOthersIsRefused) {
  std::ofstream(path_) << "x";
  ::chmod(path_.c_str(), 0644);
  std::string error;
  EXPECT_EQ(AuditLog::Open(path_, {}, &error), nullptr);
  EXPECT_NE(error.find("chmod 600"), std::string::npos) << error;
}

}  // namespace
}  // namespace mobula::base
