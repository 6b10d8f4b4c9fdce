#include "runtime/process/head_search.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mobula::runtime {
namespace {

using Files = std::vector<std::string>;

TEST(HeadSearch, HomeComesFirstThenRunfilesThenBesideThenPath) {
  HeadPlaces places;
  places.home = "/h";
  places.runfiles = "/r";
  places.executable = "/opt/app/bin/prog";
  places.library = "/opt/app/lib/libmobula.so";
  places.path = "/usr/bin:/bin";
  EXPECT_EQ(HeadCandidates(places),
            (Files{"/h/bin/mobula", "/h/mobula", "/r/mobula/cli/mobula",
                   "/opt/app/bin/prog.runfiles/mobula/cli/mobula",
                   "/opt/app/lib/mobula", "/opt/app/bin/mobula",
                   "/usr/bin/mobula", "/bin/mobula"}));
}

TEST(HeadSearch, BazelBinIsFoundFromAnyDepth) {
  HeadPlaces places;
  places.executable = "/c/execroot/mobula/bazel-out/k8-opt/bin/a/b/prog";
  const Files files = HeadCandidates(places);
  ASSERT_GE(files.size(), 2u);
  EXPECT_EQ(files[1], "/c/execroot/mobula/bazel-out/k8-opt/bin/cli/mobula");
}

TEST(HeadSearch, RelativeAndEmptyPlacesAreLeftOut) {
  HeadPlaces places;
  places.home = "here";
  places.path = ":.:bin::/usr/bin:";
  EXPECT_EQ(HeadCandidates(places), (Files{"/usr/bin/mobula"}));
  EXPECT_TRUE(HeadCandidates(HeadPlaces()).empty());
}

TEST(HeadSearch, FindsTheFirstExecutableFile) {
  const std::string root =
      std::filesystem::path(::testing::TempDir()) / "head_search";
  std::filesystem::create_directories(root + "/a/mobula");  // a folder
  std::filesystem::create_directories(root + "/b");
  std::filesystem::create_directories(root + "/c");
  std::ofstream(root + "/b/mobula") << "not executable";
  std::ofstream(root + "/c/mobula") << "#!/bin/sh\n";
  ASSERT_EQ(::chmod((root + "/c/mobula").c_str(), 0700), 0);
  HeadPlaces places;
  places.path = root + "/a:" + root + "/b:" + root + "/c:/usr/bin";
  FoundHead found = FindHead(places);
  EXPECT_EQ(found.program, root + "/c/mobula");
  EXPECT_EQ(found.looked, (Files{root + "/a/mobula", root + "/b/mobula",
                                 root + "/c/mobula"}));
  places.path = root + "/a:" + root + "/b";
  found = FindHead(places);
  EXPECT_EQ(found.program, "");
  EXPECT_EQ(found.looked.size(), 2u);
}

TEST(HeadSearch, KnowsThisProcess) {
  const HeadPlaces places = PlacesOfThisProcess();
  ASSERT_FALSE(places.executable.empty());
  EXPECT_EQ(places.executable.front(), '/');
  EXPECT_TRUE(std::filesystem::exists(places.library));
}

}  // namespace
}  // namespace mobula::runtime
