#include "gcs/server/gcs_main.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <utility>

#include "base/control/control_address.h"
#include "base/error_text.h"
#include "base/log.h"
#include "base/settings/log_settings.h"
#include "base/strand.h"
#include "base/unique_fd.h"
#include "gcs/server/server.h"

namespace mobula::gcs {
namespace {

using base::ControlAddress;
using base::Strand;
using base::UniqueFd;

int Complain(int code, const std::string& sentence) {
  std::fprintf(stderr, "mobula gcs: %s\n", sentence.c_str());
  return code;
}

// What is wrong with the arguments; empty if nothing is.
std::string WrongWith(const GcsOptions& options) {
  struct stat stat{};
  if (options.dir.empty()) return "--dir names no folder";
  if (options.listen.empty() && options.serve_fd < 0) {
    return "nobody could speak to it: give --listen or --serve-fd";
  }
  if (options.serve_fd >= 0 &&
      (::fstat(options.serve_fd, &stat) != 0 || !S_ISSOCK(stat.st_mode))) {
    return "--serve-fd is not a socket";
  }
  if (options.ready_fd >= 0 && ::fcntl(options.ready_fd, F_GETFD) < 0) {
    return "--ready-fd is not open";
  }
  if (options.reserve_bytes && *options.reserve_bytes < 0) {
    return "--disk-reserve is not a number of bytes";
  }
  return "";
}

bool ReadToken(const std::string& path, std::string* token,
               std::string* error) {
  constexpr std::size_t kTokenMax = 4096;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, kTokenMax> bytes{};
  const ssize_t count =
      file.valid() ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
  if (count < 0) {
    *error = base::WithErrorText("cannot read the token in " + path);
    return false;
  }
  token->assign(bytes.data(), static_cast<std::size_t>(count));
  while (token->ends_with('\n')) token->pop_back();
  if (token->empty()) *error = "there is no token in " + path;
  return !token->empty();
}

// What the command line says, as the server wants it; false, and why not.
bool ToServer(const GcsOptions& options, Server::Options* server,
              std::string* error) {
  for (const std::string& text : options.listen) {
    const auto address = ControlAddress::Parse(text, error);
    if (!address) return false;
    server->listen.push_back(*address);
  }
  if (!options.token_file.empty() &&
      !ReadToken(options.token_file, &server->token, error)) {
    return false;
  }
  server->log.folder = options.dir + "/log";
  server->door.folder = options.dir;
  if (options.reserve_bytes) server->log.reserve_bytes = *options.reserve_bytes;
  if (options.serve_fd >= 0) {
    ::fcntl(options.serve_fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(options.serve_fd, F_SETFL,
            ::fcntl(options.serve_fd, F_GETFL) | O_NONBLOCK);
    server->served.Reset(options.serve_fd);
  }
  return true;
}

// Before any thread is made, so that all inherit it.
UniqueFd OpenSignals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    ::sigaddset(&signals, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

// Readable once the parent has ended; none where it lives in another pid
// namespace. It may have ended already: then whoever is the parent now is not
// the one who wanted us.
UniqueFd OpenParent(pid_t parent, bool* gone) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, parent, 0)));
  *gone = ::getppid() != parent;
  return pidfd;
}

void SayReady(UniqueFd ready, const Server& server) {
  if (!ready.valid()) return;
  std::string text;
  for (const ControlAddress& address : server.bound()) {
    text += address.ToString() + "\n";
  }
  text += "\n";
  // Who does not listen any more does not matter.
  if (::write(ready.get(), text.data(), text.size()) < 0) {
    MOBULA_LOG(WARNING) << "cannot say that it serves: " << base::ErrorText();
  }
}

// To the end; false, and why, if it cannot begin.
bool Serve(Server::Options options, UniqueFd ready, pid_t parent,
           std::string* error) {
  const UniqueFd signals = OpenSignals();
  Strand strand("gcs");
  const std::unique_ptr<Server> server =
      Server::Open(strand, std::move(options), error);
  if (server == nullptr) return false;
  bool gone = false;
  const UniqueFd parent_ends = OpenParent(parent, &gone);
  if (gone) return true;
  const auto end = [&strand](const char* why) {
    MOBULA_LOG(INFO) << "ends: " << why;
    strand.Stop();
  };
  strand.Watch(signals.get(), Strand::kReadable,
               [&end](std::uint32_t) { end("asked to by a signal"); });
  if (parent_ends.valid()) {
    strand.Watch(parent_ends.get(), Strand::kReadable,
                 [&end](std::uint32_t) { end("who started it is gone"); });
  }
  SayReady(std::move(ready), *server);
  strand.Run();
  return true;
}

}  // namespace

int RunGcs(const GcsOptions& options) {
  const pid_t parent = ::getppid();
  const std::string wrong = WrongWith(options);
  if (!wrong.empty()) return Complain(2, wrong);
  UniqueFd ready(options.ready_fd);
  if (ready.valid()) ::fcntl(ready.get(), F_SETFD, FD_CLOEXEC);
  std::string error;
  Server::Options server;
  if (!ToServer(options, &server, &error)) return Complain(2, error);
  base::LogOptions log;
  log.name = "gcs";
  log.file = options.log_file;
  base::ExportLogSettings(options.log);
  if (!base::ApplyLogEnvironment(&log, &error)) return Complain(2, error);
  if (!base::StartLog(log, &error)) return Complain(1, error);
  if (Serve(std::move(server), std::move(ready), parent, &error)) return 0;
  if (!log.file.empty()) MOBULA_LOG(ERROR) << error;
  return Complain(1, error);
}

}  // namespace mobula::gcs
