// A cluster in containers. Needs a Docker that answers and the image that
// deploy/docker/base-image.sh makes (or another, MOBULA_TEST_IMAGE); nothing is
// skipped where they are missing: it fails, and says what to do.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/integration/running_program.h"
#include "tests/launcher/launched.h"

namespace mobula::test {
namespace {

std::string Image() {
  const char* const image = std::getenv("MOBULA_TEST_IMAGE");
  return image == nullptr ? "mobula-base" : image;
}

Ended Docker(const std::vector<std::string>& words) {
  std::vector<std::string> all = {"/usr/bin/env", "docker"};
  all.insert(all.end(), words.begin(), words.end());
  return RunProgram(all);
}

class DockerTest : public testing::Test {
 protected:
  void SetUp() override {
    const Ended version = Docker({"version"});
    ASSERT_EQ(version.code, 0)
        << "Docker does not answer. Install it: deploy/setup.sh; then, as "
           "root, "
           "dockerd --data-root DIR & and, where its socket is not the usual "
           "one, DOCKER_HOST with --test_env=DOCKER_HOST\n"
        << version.output;
    ASSERT_EQ(Docker({"image", "inspect", Image()}).code, 0)
        << "there is no image " << Image()
        << "; make it, as root: deploy/docker/base-image.sh " << Image();
    cluster_.WriteFile("name: c\nprovider: {type: docker, image: " + Image() +
                       "}\nhead: {cpus: 1}\n"
                       "workers: {small: {count: 2, cpus: 1}}\n"
                       "files: [{from: c.yaml}]\n"
                       "setup: [\"echo made >made\"]\n");
  }
  static std::string OfTheCluster() {
    return Docker(
               {"container", "ls", "-aq", "--filter", "label=mobula.cluster=c"})
               .output +
           Docker({"network", "ls", "-q", "--filter", "label=mobula.cluster=c"})
               .output;
  }
  void ExpectGone() const {
    const Ended down = cluster_.Tool({"down"});
    EXPECT_EQ(down.code, 0) << down.output;
    EXPECT_EQ(OfTheCluster(), "");
    EXPECT_EQ(cluster_.Left(), "");
  }

  Launched cluster_{""};
};

TEST_F(DockerTest, FromAFileToNothing) {
  const Ended up = cluster_.Up();
  ASSERT_EQ(up.code, 0) << up.output;
  const Ended status = cluster_.Tool({"status"});
  EXPECT_EQ(status.code, 0) << status.output;
  EXPECT_NE(status.output.find("3 alive"), std::string::npos) << status.output;
  EXPECT_NE(cluster_.Up().output.find("nothing had to be done"),
            std::string::npos);
  const Ended exec = cluster_.Tool(
      {"exec", "small-2", "--", "/bin/sh", "-c", "cat made; exit 7"});
  EXPECT_EQ(exec.code, 7);
  EXPECT_EQ(exec.output, "made\n");
  const Ended run = cluster_.Tool(
      {"run", "--", ProgramPath("tests/launcher/driver"), "exit", "9"});
  EXPECT_EQ(run.code, 9) << run.output;
  EXPECT_EQ(cluster_.Tool({"add", "1"}).code, 0);
  EXPECT_EQ(cluster_.Tool({"remove", "small-1"}).code, 0);
  EXPECT_NE(cluster_.Tool({"status"}).output.find("3 alive, 1 dead"),
            std::string::npos);
  ExpectGone();
}

TEST_F(DockerTest, CtrlCReachesAProgram) {
  ASSERT_EQ(cluster_.Up().code, 0);
  RunningProgram run(
      cluster_.Words(
          {"run", "--", ProgramPath("tests/launcher/driver"), "wait", "x"}),
      cluster_.environment());
  EXPECT_EQ(run.Line(), "twice 21 is 42");
  kill(run.pid(), SIGINT);
  EXPECT_EQ(run.End(), 5);
  ExpectGone();
}

TEST_F(DockerTest, AContainerThatIsGoneIsMadeAnew) {
  ASSERT_EQ(cluster_.Up().code, 0);
  ASSERT_EQ(Docker({"kill", "mobula-c-small-1"}).code, 0);
  EXPECT_EQ(cluster_.Tool({"status"}).code, 1);
  const Ended up = cluster_.Up();
  EXPECT_EQ(up.code, 0) << up.output;
  EXPECT_NE(up.output.find("small-1: made anew"), std::string::npos);
  // With a new head all of them are.
  ASSERT_EQ(Docker({"rm", "-f", "mobula-c-head"}).code, 0);
  EXPECT_EQ(cluster_.Up().code, 0);
  EXPECT_NE(cluster_.Tool({"status"}).output.find("3 alive, 0 dead"),
            std::string::npos);
  ExpectGone();
}

TEST_F(DockerTest, DownAfterHalfAnUpLeavesNothing) {
  for (const char* const setup : {"false", "kill -9 $PPID"}) {
    cluster_.WriteFile("name: c\nprovider: {type: docker, image: " + Image() +
                       "}\nhead: {}\nworkers: {a: {setup: [\"" + setup +
                       "\"]}, b: {}}\n");
    EXPECT_EQ(cluster_.Up().code, 1);
    EXPECT_NE(OfTheCluster(), "");
    ExpectGone();
  }
}

}  // namespace
}  // namespace mobula::test
