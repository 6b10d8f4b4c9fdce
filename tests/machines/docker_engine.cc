#include "tests/machines/docker_engine.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "tests/integration/eventually.h"
#include "tests/integration/programs.h"

namespace mobula::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::size_t kLogBytesMax = 3000;
constexpr std::chrono::seconds kStartPatience(90);
constexpr char kCgroups[] = "/sys/fs/cgroup";
constexpr char kBase[] = "mobula-base";

bool IsThere(const std::string& program) {
  for (const char* const folder : {"/usr/sbin/", "/usr/bin/", "/sbin/"}) {
    if (fs::exists(folder + program)) return true;
  }
  return false;
}

std::string WhatIsMissing() {
  if (geteuid() != 0) return "containers need root: run this test as root";
  for (const char* const program :
       {"docker", "dockerd", "containerd", "runc", "nsenter", "setpriv"}) {
    if (!IsThere(program)) {
      return std::string("there is no ") + program +
             "; deploy/setup.sh installs Docker (docker.io, iptables)";
    }
  }
  return "";
}

// Empty groups, of engines that were killed: their folders are gone.
void SweepCgroups(const std::string& own) {
  std::error_code gone;
  for (fs::directory_iterator kind(kCgroups, gone), end; kind != end;
       kind.increment(gone)) {
    std::error_code none;
    for (fs::directory_iterator at(kind->path(), none); at != end;
         at.increment(none)) {
      const std::string name = at->path().filename();
      if (!name.starts_with("md.") ||
          (name != own && fs::exists("/tmp/" + name))) {
        continue;
      }
      std::error_code busy;
      for (fs::directory_iterator one(at->path(), busy); one != end;
           one.increment(busy)) {
        if (one->is_directory(busy)) rmdir(one->path().c_str());
      }
      rmdir(at->path().c_str());
    }
  }
}

}  // namespace

DockerEngine::DockerEngine() {
  trouble_ = WhatIsMissing();
  if (trouble_.empty()) Start();
  if (trouble_.empty()) MakeImage();
}

DockerEngine::~DockerEngine() {
  daemon_.reset();
  if (first_ > 0) kill(first_, SIGKILL);
  // It waits for its process 1, which ends behind all others.
  if (init_) init_->End();
  SweepCgroups(fs::path(folder_.path()).filename());
}

Words DockerEngine::Command(const Words& words) const {
  Words all = {"/usr/bin/env", "DOCKER_HOST=unix://" + folder_.path() + "/sock",
               "DOCKER_BUILDKIT=0", "docker"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::string DockerEngine::ProcOf(const std::string& pid) const {
  return "/proc/" + std::to_string(first_) + "/root/proc/" + pid;
}

std::string DockerEngine::LogEnd() const {
  std::ostringstream text;
  text << std::ifstream(folder_.path() + "/log").rdbuf();
  const std::string all = text.str();
  return all.size() <= kLogBytesMax ? all
                                    : all.substr(all.size() - kLogBytesMax);
}

void DockerEngine::Start() {
  const std::string& folder = folder_.path();
  const std::string name = fs::path(folder).filename();
  SweepCgroups(name);
  init_ = std::make_unique<RunningProgram>(
      Words{ProgramPath("tests/machines/machine_init"), "docker"}, Words{});
  const std::string said = init_->Line();
  constexpr std::string_view kReady = "ready ";
  if (!said.starts_with(kReady)) {
    trouble_ = said;
    return;
  }
  first_ = std::atoi(said.c_str() + kReady.size());
  // No network but that of the machines: nothing is fetched, and iptables is
  // left as it is.
  daemon_ = std::make_unique<RunningProgram>(
      Words{"/usr/bin/nsenter", "--target", std::to_string(first_), "--net",
            "--mount", "--uts", "--pid", "--", "/usr/bin/setpriv",
            "--pdeathsig", "KILL", "/bin/sh", "-c",
            "exec dockerd --data-root " + folder + "/data --exec-root " +
                folder + "/exec --host unix://" + folder + "/sock --pidfile " +
                folder + "/pid --cgroup-parent /" + name +
                " --bridge none --iptables=false --ip6tables=false"
                " --ip-masq=false >" +
                folder + "/log 2>&1"},
      Words{"DOCKER_TMPDIR=" + folder + "/tmp"});
  const bool answers =
      Eventually([this] { return RunProgram(Command({"version"})).code == 0; },
                 kStartPatience);
  if (!answers) trouble_ = "dockerd does not answer:\n" + LogEnd();
}

void DockerEngine::Try(const std::string& what, const Words& command) {
  if (!trouble_.empty()) return;
  const Ended ended = RunProgram(command);
  if (ended.code != 0) trouble_ = what + ":\n" + ended.output;
}

void DockerEngine::MakeImage() {
  const std::string context = folder_.path() + "/context";
  Words base = {ProgramPath("deploy/docker/base-image.sh"), "--installed",
                kBase};
  const Words environment = Command({});
  base.insert(base.begin(), environment.begin(), environment.end() - 1);
  Try("no base image", base);
  std::error_code error;
  fs::create_directories(context, error);
  for (const char* const name : {"mobula", "mobula-gcs"}) {
    fs::copy_file(ProgramPath(std::string("cli/") + name), context + "/" + name,
                  error);
  }
  if (error) trouble_ = "cannot copy mobula: " + error.message();
  Try("no image",
      Command({"build", "--network", "none", "--tag", image(), "--build-arg",
               std::string("BASE=") + kBase, "--file",
               ProgramPath("deploy/docker/Dockerfile"), context}));
}

}  // namespace mobula::test
