#include "cli/fake_driver.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <future>

#include "base/check.h"
#include "base/clock.h"
#include "base/value.h"
#include "raylet/spawn/process_tree.h"

extern char** environ;

namespace mobula::cli {
namespace {

using base::LeaseGranted;
using base::Link;
using base::ProcessId;
using base::UniqueFd;

constexpr int kDriverFd = 3;
constexpr int kProgramFd = 4;
constexpr int kAboveAll = 10;

int Raised(int fd) {
  const int raised = ::fcntl(fd, F_DUPFD_CLOEXEC, kAboveAll);
  MOBULA_CHECK(raised >= 0);
  return raised;
}

}  // namespace

FakeDriver::FakeDriver(const Options& options)
    : options_(options),
      ids_(base::RandomBits()),
      self_(ids_.Next<ProcessId>()),
      job_(ids_.Next<base::JobId>()),
      strand_("driver") {
  UniqueFd ours = Reach();
  Link::Callbacks callbacks;
  callbacks.on_open = [](ProcessId, base::Role) {};
  callbacks.on_message = [this](base::Message message, UniqueFd fd) {
    Note(std::move(message), std::move(fd));
  };
  callbacks.on_closed = [this](const std::string&) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  };
  Link::Options link;
  link.self = self_;
  link.role = base::Role::kDriver;
  raylet_ = std::make_unique<Link>(strand_, std::move(ours), std::move(link),
                                   std::move(callbacks));
  strand_.StartThread();
}

UniqueFd FakeDriver::Reach() {
  if (!options_.socket.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    MOBULA_CHECK(options_.socket.size() < sizeof(address.sun_path));
    std::memcpy(address.sun_path, options_.socket.c_str(),
                options_.socket.size() + 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    MOBULA_CHECK(::connect(socket.get(),
                           reinterpret_cast<const sockaddr*>(&address),
                           sizeof(address)) == 0)
        << options_.socket;
    return socket;
  }
  int ends[2];
  MOBULA_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  StartHead(options_, theirs.get());
  return ours;
}

void FakeDriver::StartHead(const Options& options, int socket) {
  std::vector<std::string> words = {"mobula",       "raylet",
                                    "--driver-fd",  std::to_string(kDriverFd),
                                    "--program-fd", std::to_string(kProgramFd)};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<std::string> entries = options.environment;
  std::vector<char*> environment;
  for (std::string& entry : entries) environment.push_back(entry.data());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.push_back(*entry);
  }
  environment.push_back(nullptr);
  const UniqueFd program(::open(options.worker.c_str(), O_RDONLY | O_CLOEXEC));
  MOBULA_CHECK(program.valid()) << options.worker;
  const UniqueFd high_socket(Raised(socket));
  const UniqueFd high_program(Raised(program.get()));
  head_ = ::fork();
  MOBULA_CHECK(head_ >= 0);
  if (head_ > 0) return;
  ::dup2(high_socket.get(), kDriverFd);
  ::dup2(high_program.get(), kProgramFd);
  ::execve(options.mobula.c_str(), argv.data(), environment.data());
  ::_exit(127);
}

FakeDriver::~FakeDriver() {
  End();
  OnStrand([this] { links_.clear(); });
}

void FakeDriver::OnStrand(base::Strand::Closure closure) {
  std::promise<void> done;
  strand_.Post([&done, &closure] {
    closure();
    done.set_value();
  });
  done.get_future().wait();
}

void FakeDriver::OpenLink(ProcessId peer, UniqueFd socket) {
  Link::Callbacks callbacks;
  callbacks.on_open = [](ProcessId, base::Role) {};
  callbacks.on_message = [this](base::Message message, UniqueFd fd) {
    Note(std::move(message), std::move(fd));
  };
  callbacks.on_closed = [](const std::string&) {};
  Link::Options link;
  link.self = self_;
  link.role = base::Role::kDriver;
  link.peer = peer;
  links_[peer] = std::make_unique<Link>(strand_, std::move(socket),
                                        std::move(link), std::move(callbacks));
}

void FakeDriver::Note(base::Message message, UniqueFd fd) {
  if (const auto* attach = std::get_if<base::Attach>(&message)) {
    OpenLink(attach->peer, std::move(fd));
  }
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  changed_.notify_all();
}

void FakeDriver::WaitUntil(
    const std::function<bool(std::deque<base::Message>&)>& is) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience,
                    [this, &is] { return is(messages_) || ended_; });
}

bool FakeDriver::WaitForEnd() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [this] { return ended_; });
}

bool FakeDriver::Register() {
  base::Register message;
  message.process = self_;
  message.role = base::Role::kDriver;
  message.job = job_;
  message.pid = ::getpid();
  message.program = "fake";
  message.weight = options_.weight;
  UniqueFd program;
  if (!options_.socket.empty()) {
    program.Reset(::open(options_.worker.c_str(), O_RDONLY | O_CLOEXEC));
  }
  OnStrand([this, &message, &program] {
    raylet_->Send(message, std::move(program));
  });
  return WaitFor<base::Registered>([](const base::Registered&) { return true; })
      .has_value();
}

std::optional<base::ControlReply> FakeDriver::AskControl(
    base::ControlRequest request) {
  base::ControlCall call;
  call.request = ids_.Next<base::RequestId>();
  call.from = self_;
  call.body = std::move(request);
  const base::RequestId id = call.request;
  Send(std::move(call));
  auto answer = WaitFor<base::ControlAnswer>(
      [id](const base::ControlAnswer& m) { return m.request == id; });
  if (!answer) return std::nullopt;
  return std::move(answer->body);
}

void FakeDriver::Send(base::Message message) {
  OnStrand([this, &message] {
    if (raylet_ != nullptr) raylet_->Send(message);
  });
}

void FakeDriver::SendTo(ProcessId worker, base::Message message) {
  OnStrand([this, worker, &message] {
    const auto link = links_.find(worker);
    if (link != links_.end()) link->second->Send(message);
  });
}

base::LeaseId FakeDriver::Request(const base::ResourceVector& shape,
                                  bool for_actor) {
  base::RequestLease request;
  request.lease = ids_.Next<base::LeaseId>();
  request.job = job_;
  request.shape = shape;
  request.for_actor = for_actor;
  Send(request);
  return request.lease;
}

std::optional<LeaseGranted> FakeDriver::Ask(const base::ResourceVector& shape,
                                            bool for_actor) {
  const base::LeaseId lease = Request(shape, for_actor);
  return WaitFor<LeaseGranted>(
      [lease](const LeaseGranted& m) { return m.lease == lease; });
}

void FakeDriver::Begin(const LeaseGranted& on, const std::string& command) {
  base::RunTask task;
  task.task = ids_.Next<base::TaskId>();
  task.args.push_back(base::Bytes::Own(command));
  SendTo(on.worker, task);
}

std::optional<std::string> FakeDriver::Run(const LeaseGranted& on,
                                           const std::string& command) {
  Begin(on, command);
  const auto done =
      WaitFor<base::TaskDone>([](const base::TaskDone&) { return true; });
  if (!done) return std::nullopt;
  return std::string(std::get<base::Value>(done->outcome).view());
}

int FakeDriver::End() {
  OnStrand([this] { raylet_.reset(); });
  if (head_ == 0) return -1;
  const UniqueFd pidfd = raylet::OpenPidfd(head_);
  pollfd poll{pidfd.get(), POLLIN, 0};
  const auto patience =
      std::chrono::duration_cast<std::chrono::milliseconds>(kPatience);
  const bool ended = ::poll(&poll, 1, static_cast<int>(patience.count())) > 0;
  if (!ended) ::kill(head_, SIGKILL);
  int status = 0;
  ::waitpid(head_, &status, 0);
  head_ = 0;
  return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace mobula::cli
