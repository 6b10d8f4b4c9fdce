#include "raylet/spawn/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/control/node_file.h"
#include "base/error_text.h"
#include "base/log.h"
#include "base/sockets/poll_wait.h"
#include "raylet/output/short_log.h"
#include "raylet/spawn/exit_story.h"
#include "raylet/spawn/janitor.h"
#include "raylet/spawn/keeper_policy.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::raylet {
namespace {

using base::BootTime;
using base::UniqueFd;

constexpr base::Duration kKillPatience = std::chrono::seconds(10);
// At the end, for what is to be told to the control store.
constexpr base::Duration kReportPatience = std::chrono::seconds(2);
constexpr std::size_t kReportsMax = 8;
constexpr off_t kLogBytesMax = off_t{4} << 20;
constexpr std::size_t kWordsBytesMax = 4096;
// How often the node file is looked for where inotify is not to be had.
constexpr int kLookMilliseconds = 20;

sigset_t WatchedSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD}) {
    ::sigaddset(&signals, signal);
  }
  return signals;
}

// As its raylet has written it there, nil before.
base::NodeId NodeIn(const std::string& folder) {
  const std::string root = folder.substr(0, folder.rfind('/'));
  for (const base::NodeFile& file : base::FindNodes({root})) {
    if (file.folder == folder) return file.node;
  }
  return base::NodeId();
}

// What stays when a raylet ends: it is not the raylet's, or the next one's too.
bool OutlivesRaylet(const std::string& name) {
  return name.find(".log") != std::string::npos || name.starts_with("log") ||
         name.starts_with("control.") || name == "programs" ||
         name == kKeeperFile;
}

class Keeper {
 public:
  Keeper(RuntimeFolder folder, KeeperOptions options)
      : folder_(std::move(folder)),
        options_(std::move(options)),
        policy_(PolicyOptions(options_)) {}

  int Run();

 private:
  static KeeperPolicy::Options PolicyOptions(const KeeperOptions& options) {
    KeeperPolicy::Options policy;
    policy.has_control_store = !options.control_store.empty();
    return policy;
  }

  bool Open();
  void WriteWho();
  void WaitForNews();
  void TakeSignals();
  void TakeChildren();
  void TakeServing();
  void Act();
  void Do(KeeperAction action);
  pid_t Fork();
  void StartControlStore();
  void StartRaylet();
  [[noreturn]] void BecomeRaylet();
  void SweepRaylet();
  void ReportRaylet();
  void SayReady();
  void SayWhyNot();
  void Finish();
  [[nodiscard]] std::string LastWords() const;
  [[nodiscard]] std::set<pid_t> Spared() const;

  RuntimeFolder folder_;
  KeeperOptions options_;
  KeeperPolicy policy_;
  KeeperPolicy::Actions actions_;
  bool done_ = false;

  UniqueFd self_;  // pidfd
  UniqueFd signals_;
  UniqueFd folder_news_;   // inotify
  UniqueFd store_serves_;  // the read end of its pipe
  pid_t store_ = 0;
  pid_t raylet_ = 0;
  base::NodeId node_;
  std::string cause_;  // of the raylet's last end
  std::set<pid_t> reports_;
};

int Keeper::Run() {
  if (!Open()) {
    MOBULA_LOG(ERROR) << "the keeper has no descriptors: " << base::ErrorText();
    SayWhyNot();
    folder_.Remove();
    return 1;
  }
  policy_.Begin(base::BootNow(), actions_);
  Act();
  while (!done_) {
    WaitForNews();
    TakeSignals();
    TakeServing();
    TakeChildren();
    policy_.Tick(base::BootNow(), actions_);
    Act();
  }
  return policy_.failed() ? 1 : 0;
}

bool Keeper::Open() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, kKeeperName);
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t watched = WatchedSignals();
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  signals_.Reset(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  WriteWho();
  self_ = OpenPidfd(::getpid());
  // Without it the folder is looked at now and then.
  folder_news_.Reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (::inotify_add_watch(folder_news_.get(), folder_.path().c_str(),
                          IN_MOVED_TO | IN_CREATE) < 0) {
    folder_news_.Reset();
  }
  return signals_.valid() && self_.valid();
}

void Keeper::WriteWho() {
  const std::string path = folder_.path() + "/" + kKeeperFile;
  const std::string text =
      std::to_string(::getpid()) + "\n" + options_.control + "\n";
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (::write(fd.get(), text.data(), text.size()) < 0) {
    MOBULA_LOG(ERROR) << "cannot write " << path << ": " << base::ErrorText();
  }
}

void Keeper::WaitForNews() {
  pollfd polls[4] = {{signals_.get(), POLLIN, 0},
                     {folder_news_.get(), POLLIN, 0},
                     {store_serves_.get(), POLLIN, 0},
                     {options_.ready.get(), 0, 0}};
  int timeout = folder_news_.valid() ? -1 : kLookMilliseconds;
  const int wait = base::PollTimeout(policy_.wakeup());
  if (wait >= 0) timeout = timeout < 0 ? wait : std::min(wait, timeout);
  ::poll(polls, 4, timeout);
  // Nobody waits for this start any more.
  if (polls[3].revents != 0) {
    MOBULA_LOG(INFO) << "the start was given up";
    options_.ready.Reset();
    policy_.StopAsked(base::BootNow(), actions_);
  }
}

void Keeper::TakeSignals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD) continue;
    MOBULA_LOG(INFO) << "ends, asked to by pid " << info.ssi_pid;
    policy_.StopAsked(base::BootNow(), actions_);
  }
}

void Keeper::TakeServing() {
  char buffer[4096];
  while (folder_news_.valid() &&
         ::read(folder_news_.get(), buffer, sizeof(buffer)) > 0) {
  }
  if (raylet_ != 0 && node_.IsNil()) {
    node_ = NodeIn(folder_.path());
    if (!node_.IsNil()) {
      policy_.Serves(KeeperChild::kRaylet, base::BootNow(), actions_);
    }
  }
  if (!store_serves_.valid()) return;
  const ssize_t n = ::read(store_serves_.get(), buffer, 1);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  store_serves_.Reset();
  if (n != 1) return;
  policy_.Serves(KeeperChild::kControlStore, base::BootNow(), actions_);
}

void Keeper::TakeChildren() {
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | __WALL);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return;
    const bool in_order = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (pid == store_) {
      store_ = 0;
      store_serves_.Reset();
      MOBULA_LOG(INFO) << StoryOfExit("the control store", status);
      policy_.Ended(KeeperChild::kControlStore, in_order, base::BootNow(),
                    actions_);
    } else if (pid == raylet_) {
      raylet_ = 0;
      cause_ = StoryOfExit("the raylet", status);
      MOBULA_LOG(INFO) << cause_;
      policy_.Ended(KeeperChild::kRaylet, in_order, base::BootNow(), actions_);
    } else {
      reports_.erase(pid);
    }
  }
}

void Keeper::Act() {
  // An action may be followed by others: a child that cannot be started has
  // ended.
  for (std::size_t i = 0; i < actions_.size(); ++i) Do(actions_[i]);
  actions_.clear();
}

void Keeper::Do(KeeperAction action) {
  switch (action) {
    case KeeperAction::kStartControlStore:
      return StartControlStore();
    case KeeperAction::kStartRaylet:
      return StartRaylet();
    case KeeperAction::kEndControlStore:
      ::kill(store_, SIGTERM);
      return;
    case KeeperAction::kEndRaylet:
      ::kill(raylet_, SIGTERM);
      return;
    case KeeperAction::kKillControlStore:
      ::kill(store_, SIGKILL);
      return;
    case KeeperAction::kKillRaylet:
      ::kill(raylet_, SIGKILL);
      return;
    case KeeperAction::kSweepRaylet:
      return SweepRaylet();
    case KeeperAction::kReportRaylet:
      return ReportRaylet();
    case KeeperAction::kSayReady:
      return SayReady();
    case KeeperAction::kFinish:
      return Finish();
  }
}

pid_t Keeper::Fork() {
  KeepLogShort(STDERR_FILENO, folder_.path() + "/" + kKeeperLog, kLogBytesMax);
  const pid_t pid = ::fork();
  if (pid < 0) MOBULA_LOG(ERROR) << "cannot fork: " << base::ErrorText();
  return pid;
}

void Keeper::StartControlStore() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    MOBULA_LOG(ERROR) << "no pipe: " << base::ErrorText();
  }
  store_serves_.Reset(ends[0]);
  const UniqueFd serves(ends[1]);
  const pid_t keeper = ::getpid();
  const pid_t pid = serves.valid() ? Fork() : -1;
  if (pid == 0) {
    ::setenv(kSessionMark, folder_.session().c_str(), 1);
    BecomeMobula(options_.control_store, keeper, serves.get());
  }
  if (pid > 0) {
    store_ = pid;
    return;
  }
  store_serves_.Reset();
  policy_.Ended(KeeperChild::kControlStore, false, base::BootNow(), actions_);
}

void Keeper::StartRaylet() {
  node_ = base::NodeId();
  const pid_t pid = Fork();
  if (pid == 0) BecomeRaylet();
  if (pid > 0) {
    raylet_ = pid;
    return;
  }
  policy_.Ended(KeeperChild::kRaylet, true, base::BootNow(), actions_);
}

void Keeper::BecomeRaylet() {
  signals_.Reset();
  folder_news_.Reset();
  store_serves_.Reset();
  options_.ready.Reset();
  // It was inherited blocked; who wants it reads a signalfd of its own.
  const int code = LiveAsRaylet(folder_, std::move(self_), options_.raylet);
  std::fflush(nullptr);
  ::_exit(code);
}

std::set<pid_t> Keeper::Spared() const {
  std::set<pid_t> spared = reports_;
  if (store_ != 0) spared.insert(store_);
  return spared;
}

void Keeper::SweepRaylet() {
  KillDescendantsBut(Spared(), base::BootNow() + kKillPatience);
  folder_.Clear(OutlivesRaylet);
}

void Keeper::ReportRaylet() {
  if (node_.IsNil()) return;
  if (reports_.size() >= kReportsMax) {
    // The store has been away for long: its leases will tell it.
    ::kill(*reports_.begin(), SIGKILL);
  }
  const std::vector<std::string> words = options_.report(node_, cause_);
  const pid_t keeper = ::getpid();
  const pid_t pid = Fork();
  if (pid == 0) BecomeMobula(words, keeper, -1);
  if (pid > 0) reports_.insert(pid);
}

void Keeper::SayReady() {
  MOBULA_LOG(INFO) << "serves";
  if (!options_.ready.valid()) return;
  [[maybe_unused]] const ssize_t n =
      ::write(options_.ready.get(), kReady, sizeof(kReady) - 1);
  options_.ready.Reset();
}

void Keeper::SayWhyNot() {
  if (!options_.ready.valid()) return;
  const std::string words = LastWords();
  [[maybe_unused]] const ssize_t n =
      ::write(options_.ready.get(), words.data(), words.size());
  options_.ready.Reset();
}

std::string Keeper::LastWords() const {
  const std::string path = folder_.path() + "/" + kKeeperLog;
  const UniqueFd log(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat stat;
  if (!log.valid() || ::fstat(log.get(), &stat) != 0) return "";
  const off_t start =
      std::max<off_t>(0, stat.st_size - static_cast<off_t>(kWordsBytesMax));
  std::string words(kWordsBytesMax, '\0');
  const ssize_t n = ::pread(log.get(), words.data(), words.size(), start);
  words.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return words;
}

void Keeper::Finish() {
  const BootTime deadline = base::BootNow() + kReportPatience;
  while (!reports_.empty() && options_.control_store.empty() &&
         base::BootNow() < deadline) {
    std::vector<UniqueFd> ends;
    for (const pid_t pid : reports_) ends.push_back(OpenPidfd(pid));
    WaitForOne(ends);
    TakeChildren();
  }
  if (policy_.failed()) SayWhyNot();
  KillDescendants(base::BootNow() + kKillPatience);
  folder_.Remove();
  done_ = true;
}

}  // namespace

int RunKeeper(RuntimeFolder folder, KeeperOptions options) {
  Keeper keeper(std::move(folder), std::move(options));
  return keeper.Run();
}

}  // namespace mobula::raylet
