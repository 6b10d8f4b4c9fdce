// The part of Server that has to do with the control store.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/log.h"
#include "raylet/server/node_resources.h"
#include "raylet/server/server.h"

namespace mobula::raylet {

using base::UniqueFd;

namespace {

// Of the embedded control store, without its having served, before those who
// wait for it are told.
constexpr int kStoreFailuresMin = 3;
constexpr base::Duration kStorePatience = std::chrono::seconds(2);
constexpr std::size_t kLastLineMax = 512;

std::string LastLineOf(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text(kLastLineMax, '\0');
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const ssize_t n = ::pread(file.get(), text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

bool Server::CarryOutControl(Effect& effect) {
  if (const auto* tell = std::get_if<TellControl>(&effect)) {
    if (control_ != nullptr) control_->Send(tell->message);
  } else if (std::holds_alternative<NeedControl>(effect)) {
    OpenControl();
  } else if (const auto* leave = std::get_if<LeaveCluster>(&effect)) {
    MOBULA_LOG(ERROR) << "the control store refuses this node: "
                      << leave->reason;
    why_ = leave->reason;
    refused_ = true;
    StopNow();
  } else if (const auto* keep = std::get_if<KeepProgram>(&effect)) {
    Keep(*keep);
  } else if (const auto* forget = std::get_if<ForgetPrograms>(&effect)) {
    programs_.ForgetBut(forget->needed);
  } else {
    return false;
  }
  return true;
}

void Server::OpenControl() {
  if (control_ != nullptr) return;
  base::ControlClient::Options client = options_.control;
  client.self = options_.core.self;
  if (!IsOfCluster()) {
    EmbeddedStore::Options store;
    store.folder = options_.folder + "/gcs";
    store.log_file = options_.folder + "/gcs.log";
    store.session = options_.session;
    store_.emplace(std::move(store));
    client.connect = [this](std::string* error) {
      strand_.AssertHeld();
      return ConnectStore(error);
    };
  }
  base::ControlClient::Callbacks callbacks;
  callbacks.on_up = [this](std::uint64_t epoch, base::ClusterId cluster) {
    strand_.AssertHeld();
    MOBULA_LOG(INFO) << "the control store of cluster " << cluster
                     << " is there, its life " << epoch;
    store_failures_ = 0;
    Handle(ControlUp{epoch});
  };
  callbacks.on_message = [this](base::ControlMessage message) {
    strand_.AssertHeld();
    OnControlSaid(std::move(message));
  };
  callbacks.on_down = [this](const std::string& reason) {
    strand_.AssertHeld();
    MOBULA_LOG(WARNING) << "the control store is away: " << reason;
    Handle(ControlDown{});
  };
  callbacks.on_refused = [this](const std::string& reason) {
    strand_.AssertHeld();
    OnRefused(reason);
  };
  callbacks.on_failed = [this](const std::string& reason) {
    strand_.AssertHeld();
    OnStoreAway(reason);
  };
  control_ = std::make_unique<base::ControlClient>(strand_, std::move(client),
                                                   std::move(callbacks));
}

// It is tried for ever, and the same each time.
void Server::OnRefused(const std::string& reason) {
  if (refusal_ == reason) return;
  refusal_ = reason;
  const std::string address = options_.node_file.control;
  MOBULA_LOG(ERROR) << "the control store " << address << ": " << reason;
  GiveUpJoining("the control store at " + address + " is not to be joined: " +
                reason + "; MOBULA_TOKEN_FILE names the file of its token");
}

// Later on there is a session, and what becomes of that is said.
void Server::OnStoreAway(const std::string& reason) {
  if (has_joined_ || !IsOfCluster() || away_ == reason) return;
  away_ = reason;
  MOBULA_LOG(WARNING) << "the control store at " << options_.node_file.control
                      << " is away: " << reason;
}

UniqueFd Server::ConnectStore(std::string* error) {
  UniqueFd socket = store_->Connect(error);
  // One that still runs is being ended first.
  if (!socket.valid() && store_->pid() == 0) OnStoreFailed(*error);
  return socket;
}

void Server::OnStoreFailed(const std::string& why) {
  if (store_failures_++ == 0) store_failed_at_ = strand_.Now();
  const bool may_pass = store_failures_ < kStoreFailuresMin ||
                        strand_.Now() < store_failed_at_ + kStorePatience;
  if (may_pass) return;
  std::string reason =
      "the control store of this program's head does not start: " + why;
  const std::string words = LastLineOf(options_.folder + "/gcs.log");
  if (!words.empty()) reason += "; it said: " + words;
  const std::string advice = WhyTooFewFiles(/*may_raise=*/true);
  if (!advice.empty()) reason += "; " + advice;
  if (reason != refusal_) MOBULA_LOG(ERROR) << reason;
  refusal_ = reason;
  Handle(ControlFailed{std::move(reason)});
}

void Server::OnControlSaid(base::ControlMessage message) {
  if (leaving_) return;
  if (const auto* joined = std::get_if<base::NodeJoined>(&message)) {
    OnJoined(*joined);
  }
  Handle(ControlSaid{std::move(message)});
}

void Server::OnJoined(const base::NodeJoined& joined) {
  MOBULA_LOG(INFO) << "joined as node " << options_.core.node
                   << ", incarnation " << joined.incarnation;
  if (lines_ != nullptr) lines_->Join(joined.cluster);
  if (IsEmbedded()) {
    // From here on what its driver asks is answered.
    if (IsOfCluster() && !has_joined_) {
      door_.Adopt(std::move(options_.driver->socket));
    }
    has_joined_ = true;
    return;
  }
  has_joined_ = true;
  if (wrote_node_file_) return;
  options_.node_file.cluster = joined.cluster;
  std::string error;
  wrote_node_file_ = base::WriteNodeFile(options_.node_file, &error);
  if (!wrote_node_file_) MOBULA_LOG(ERROR) << error;
}

void Server::Keep(const KeepProgram& keep) {
  const base::JobId job = keep.job;
  std::string error;
  UniqueFd program = ProgramOf(job, &error);
  if (!program.valid()) {
    Handle(ProgramKept{job, "", error});
    return;
  }
  programs_.Keep(
      std::move(program), [this, job](std::string hash, std::string reason) {
        strand_.AssertHeld();
        if (hash.empty()) {
          MOBULA_LOG(ERROR)
              << "the program of job " << job << " cannot be kept: " << reason;
        }
        Handle(ProgramKept{job, std::move(hash), std::move(reason)});
      });
}

void Server::FillListing(base::LocalListing& listing) {
  std::map<std::int32_t, std::string> running;
  for (base::WorkerInfo& info : listing.workers) {
    const auto found = workers_.find(info.process);
    if (found == workers_.end()) continue;
    info.function = found->second.page->Running();
    running[found->second.pid] = info.function;
  }
  for (base::TaskInfo& task : listing.tasks) {
    const auto found = running.find(task.pid);
    // What runs now, where one lease serves several functions.
    if (task.pid != 0 && found != running.end() && !found->second.empty()) {
      task.function = found->second;
    }
  }
}

}  // namespace mobula::raylet
