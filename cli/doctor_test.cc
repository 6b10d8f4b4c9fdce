#include "cli/doctor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/control/node_file.h"
#include "raylet/spawn/runtime_folder.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    // Not TempDir(): a folder with a long path is one of the findings.
    std::string above = "/tmp/doctorXXXXXX";
    ASSERT_NE(::mkdtemp(above.data()), nullptr);
    above_ = above;
    root_ = above_ + "/mobula";
  }
  void TearDown() override { fs::remove_all(above_); }
  [[nodiscard]] Places Here() const { return {{root_}, "", ""}; }
  std::string MakeSession() {
    std::string error;
    auto folder = raylet::RuntimeFolder::Plan({root_}, &error);
    EXPECT_TRUE(folder && folder->Make(&error)) << error;
    return folder->session();
  }
  static bool Lists(const Report& report, const std::string& what) {
    return std::any_of(report.leftovers.begin(), report.leftovers.end(),
                       [&what](const Leftover& leftover) {
                         return leftover.what.starts_with(what);
                       });
  }
  std::string above_;
  std::string root_;
};

TEST_F(DoctorTest, FindsWhatTheKernelHas) {
  const Report report = Examine(Here());
  for (const char* name :
       {"pidfd", "memfd", "proc", "subreaper", "open files", "folder"}) {
    EXPECT_TRUE(std::any_of(
        report.checks.begin(), report.checks.end(),
        [name](const Check& check) { return check.name == name && check.ok; }))
        << name;
  }
}

TEST_F(DoctorTest, AFolderThatIsOpenIsFoundAndTold) {
  fs::create_directory(root_);
  fs::permissions(root_, static_cast<fs::perms>(0777));
  const Report report = Examine(Here());
  EXPECT_FALSE(report.IsHealthy());
  EXPECT_NE(AsText(report).find("chmod 700"), std::string::npos);
  EXPECT_NE(AsJson(report).find("\"healthy\":false"), std::string::npos);
}

TEST_F(DoctorTest, SaysWhereValuesWouldBeSpilled) {
  const std::string text = AsText(Examine(Here()));
  EXPECT_NE(text.find("spill folder: "), std::string::npos) << text;
  EXPECT_NE(text.find(" free"), std::string::npos) << text;
}

TEST_F(DoctorTest, ASpillFolderOfANodeThatCannotBeWrittenIsTold) {
  const std::string session = MakeSession();
  base::NodeFile node;
  node.folder = root_ + "/" + session;
  node.control = "unix:" + node.folder + "/control.sock";
  node.raylet = node.folder + "/raylet.sock";
  node.node = {1, 1};
  node.cluster = {2, 1};
  node.pid = ::getpid();
  node.spill_folders = {above_ + "/absent"};
  std::string error;
  ASSERT_TRUE(base::WriteNodeFile(node, &error)) << error;
  const Report report = Examine(Here());
  EXPECT_FALSE(report.IsHealthy());
  const std::string text = AsText(report);
  EXPECT_NE(text.find(above_ + "/absent"), std::string::npos) << text;
  EXPECT_NE(text.find("--spill-folder"), std::string::npos) << text;
}

TEST_F(DoctorTest, FindsAndCleansWhatACrashLeft) {
  const std::string session = MakeSession();
  const pid_t stray = ::fork();
  if (stray == 0) {
    const std::string mark = "MOBULA_SESSION=" + session;
    const char* const environment[] = {mark.c_str(), nullptr};
    ::execle("/bin/sleep", "sleep", "1000", nullptr, environment);
    ::_exit(127);
  }
  while (raylet::MarkedProcesses(session).empty()) {
  }
  const Report before = Examine(Here());
  EXPECT_FALSE(before.IsHealthy());
  EXPECT_TRUE(Lists(before, root_ + "/" + session));
  EXPECT_TRUE(Lists(before, std::to_string(stray) + " "));
  EXPECT_NE(AsText(before).find("--clean"), std::string::npos);
  const raylet::Reaped cleaned = raylet::ReapStale({root_});
  EXPECT_EQ(cleaned.sessions, 1u);
  EXPECT_EQ(cleaned.processes, 1u);
  ASSERT_EQ(::waitpid(stray, nullptr, 0), stray);
  const Report after = Examine(Here());
  EXPECT_FALSE(Lists(after, root_));
  EXPECT_FALSE(Lists(after, std::to_string(stray) + " "));
}

TEST_F(DoctorTest, LooksAtProgramsAndTheHeadsFolder) {
  Places places = Here();
  places.programs = above_;
  places.head_folder = above_ + "/head";
  const Report report = Examine(places);
  EXPECT_FALSE(report.IsHealthy());
  const std::string text = AsText(report);
  EXPECT_NE(text.find("MISSING  mobula-gcs: " + above_), std::string::npos)
      << text;
  EXPECT_NE(text.find("head folder: " + places.head_folder), std::string::npos)
      << text;
}

TEST_F(DoctorTest, ANoteIsNoFailure) {
  Report report;
  report.checks.push_back({"eu-stack", false, "absent", "get it", true});
  EXPECT_TRUE(report.IsHealthy());
  EXPECT_NE(AsText(report).find("note     eu-stack: absent\n         get it"),
            std::string::npos);
}

TEST_F(DoctorTest, JsonIsQuoted) {
  Report report;
  report.checks.push_back({"a\"b", false, "c\\d\n", ""});
  EXPECT_EQ(AsJson(report),
            "{\"healthy\":false,\"live_sessions\":0,\"checks\":[{\"name\":"
            "\"a\\\"b\",\"ok\":false,\"detail\":\"c\\\\d\\u000a\",\"advice\":"
            "\"\"}],\"nodes\":[],\"leftovers\":[]}\n");
}

}  // namespace
}  // namespace mobula::cli
