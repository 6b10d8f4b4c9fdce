#include "cli/security_checks.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include "base/control/node_file.h"
#include "base/security/credentials.h"
#include "base/security/node_identity.h"
#include "base/security/secret_file.h"
#include "base/tls/tls_context.h"
#include "cli/nodes/head_folder.h"
#include "raylet/spawn/keeper.h"
#include "raylet/spawn/process_tree.h"

namespace mobula::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kHourS = 3600;
constexpr std::int64_t kDayS = 24 * kHourS;
constexpr std::size_t kFilesMax = 100'000;

std::string Span(std::int64_t seconds) {
  if (seconds >= 2 * kDayS) return std::to_string(seconds / kDayS) + " days";
  if (seconds >= kHourS) return std::to_string(seconds / kHourS) + " h";
  return std::to_string(seconds / 60) + " min";
}

// Files of the folder, in order; none if there is no such folder.
std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code absent;
  for (fs::directory_iterator at(folder, absent), end;
       !absent && at != end && files.size() < kFilesMax; at.increment(absent)) {
    files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool IsThere(const std::string& path) {
  struct stat stat{};
  return ::lstat(path.c_str(), &stat) == 0;
}

std::int64_t AgeOf(const std::string& path, std::int64_t now_s) {
  struct stat stat{};
  if (::lstat(path.c_str(), &stat) != 0) return 0;
  return std::max<std::int64_t>(now_s - stat.st_mtime, 0);
}

// "": nothing is wrong; its own sentence says what to do.
Check Judged(const std::string& name, const std::string& path,
             const std::string& wrong) {
  return {name, wrong.empty(), wrong.empty() ? path : wrong, ""};
}

Check CheckFolder(const std::string& name, const std::string& path) {
  return Judged(name, path, base::WrongWithSecretFolder(path));
}

Check CheckFile(const std::string& name, const std::string& path,
                std::int64_t now_s) {
  Check check = Judged(name, path, base::WrongWithSecretFile(path));
  if (check.ok) check.detail += ", " + Span(AgeOf(path, now_s)) + " old";
  return check;
}

Check CheckSocket(const std::string& path) {
  struct stat stat{};
  Check check{"socket", false, path, "stop the node, and start it again"};
  if (::lstat(path.c_str(), &stat) != 0) {
    check.detail += " cannot be looked at";
  } else if (stat.st_uid != ::geteuid()) {
    check.detail += " belongs to user " + std::to_string(stat.st_uid);
  } else if ((stat.st_mode & 077) != 0) {
    check.detail += " can be connected to by others";
  } else {
    check.ok = true;
  }
  return check;
}

Check CheckListener(const TcpListener& listener) {
  const bool is_loopback = listener.address.starts_with("127.0.0.1:") ||
                           listener.address.starts_with("[::1]:");
  Check check{"listener", listener.is_tls || is_loopback,
              listener.address + ", " + listener.process, ""};
  check.detail += listener.is_tls ? ", TLS with certificates at both ends"
                  : is_loopback   ? ", this machine alone, by a token"
                                  : ", PLAIN TEXT FOR OTHER MACHINES";
  if (!check.ok) check.advice = "end it: nothing of ours listens so";
  return check;
}

void CheckHead(const std::string& folder, std::int64_t now_s,
               std::vector<Check>* checks) {
  if (!IsThere(folder)) return;
  checks->push_back(CheckFolder("head", folder));
  const std::string token = folder + "/token";
  if (IsThere(token)) checks->push_back(CheckFile("token", token, now_s));
  const std::string authority = folder + "/ca";
  if (!IsThere(authority)) return;
  checks->push_back(CheckFolder("authority", authority));
  checks->push_back(CheckFile("key", authority + "/ca.key", now_s));
  const std::string audit = folder + "/audit.log";
  if (IsThere(audit)) checks->push_back(CheckFile("audit", audit, now_s));
}

Check CheckCredentials(const std::string& file, std::int64_t now_s) {
  std::string error;
  const auto mine = base::ReadCredentials(file, &error);
  Check check{"certificate", mine.has_value(), error, ""};
  if (!mine) return check;
  const std::int64_t left = mine->own.ends_s() - now_s;
  check.ok = left > 0;
  check.detail = file + ", of node " + base::MakerText(mine->identity().maker);
  check.detail += check.ok ? ", ends in " + Span(left)
                           : ", HAS EXPIRED " + Span(-left) + " ago";
  check.advice = "join again with a new token, or remove the file";
  return check;
}

void CheckSessions(const std::string& root, std::int64_t now_s,
                   std::vector<Check>* checks) {
  if (!IsThere(root)) return;
  checks->push_back(CheckFolder("sessions", root));
  for (const std::string& session : FilesIn(root)) {
    struct stat stat{};
    if (::lstat(session.c_str(), &stat) != 0 || !S_ISDIR(stat.st_mode)) {
      continue;
    }
    checks->push_back(CheckFolder("session", session));
    for (const std::string& file : FilesIn(session)) {
      if (::lstat(file.c_str(), &stat) == 0 && S_ISSOCK(stat.st_mode)) {
        checks->push_back(CheckSocket(file));
      }
      if (file.ends_with("/node.pem")) {
        checks->push_back(CheckCredentials(file, now_s));
      }
    }
  }
}

Check CheckTokenFile(const std::string& file, std::int64_t now_s) {
  Check check = CheckFile("join token", file, now_s);
  if (!check.ok || AgeOf(file, now_s) <= kDayS) return check;
  check.ok = false;
  check.is_note = true;
  check.detail += ", and of no use any more";
  check.advice = "remove it";
  return check;
}

// ---- what listens ----------------------------------------------------------

// Of /proc/net/tcp: "0200007F:1F90"; of tcp6 four such words before the port.
std::string AddressIn(const std::string& field) {
  const std::size_t colon = field.find(':');
  if (colon == std::string::npos) return "?";
  const bool six = colon > 8;
  std::array<unsigned, 4> words{};
  for (std::size_t i = 0; i * 8 < colon && i < words.size(); ++i) {
    words[i] = static_cast<unsigned>(
        std::strtoul(field.substr(i * 8, 8).c_str(), nullptr, 16));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(six ? AF_INET6 : AF_INET, words.data(), text.data(), text.size());
  const std::string host = text.data();
  const unsigned long port =
      std::strtoul(field.substr(colon + 1).c_str(), nullptr, 16);
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

// Inodes of the sockets that listen, and where.
std::map<std::string, std::string> ListeningSockets() {
  std::map<std::string, std::string> found;
  for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, skip, inode;
      fields >> slot >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) fields >> skip;
      fields >> inode;
      if (state == "0A") found[inode] = AddressIn(local);
    }
  }
  return found;
}

std::vector<std::string> ArgumentsOf(const std::string& pid) {
  std::ifstream in("/proc/" + pid + "/cmdline");
  std::vector<std::string> words;
  std::string word;
  while (std::getline(in, word, '\0')) words.push_back(word);
  return words;
}

bool IsOurs(pid_t pid) {
  struct stat stat{};
  const std::string folder = "/proc/" + std::to_string(pid);
  if (::stat(folder.c_str(), &stat) != 0) return false;
  const auto process = raylet::ReadProcessStat(pid);
  return stat.st_uid == ::geteuid() && process &&
         process->name.starts_with("mobula");
}

// Sockets of TCP that the process listens at, and the folder of a head.
void LookAt(pid_t process_id,
            const std::map<std::string, std::string>& listening,
            SecurityPlaces* places) {
  const std::string pid = std::to_string(process_id);
  const std::vector<std::string> words = ArgumentsOf(pid);
  const auto named = [&words](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--dir") places->head_folders.push_back(words[i + 1]);
  }
  const auto process = raylet::ReadProcessStat(process_id);
  std::error_code gone;
  for (const std::string& fd : FilesIn("/proc/" + pid + "/fd")) {
    const std::string target = fs::read_symlink(fd, gone);
    constexpr std::string_view kSocket = "socket:[";
    if (!target.starts_with(kSocket)) continue;
    const auto found = listening.find(
        target.substr(kSocket.size(), target.size() - kSocket.size() - 1));
    if (found == listening.end()) continue;
    const std::string name = process ? process->name : "?";
    // A raylet, which may have the name of its keeper, has no other door of TCP
    // than that for other nodes.
    const bool is_raylet =
        name == "mobula-raylet" || name == raylet::kKeeperName;
    places->listeners.push_back({name + ", pid " + pid, found->second,
                                 is_raylet || named("tls:" + found->second)});
  }
}

void Unique(std::vector<std::string>* all) {
  std::sort(all->begin(), all->end());
  all->erase(std::unique(all->begin(), all->end()), all->end());
}

}  // namespace

SecurityPlaces UsualSecurityPlaces() {
  SecurityPlaces places;
  places.roots = base::SessionRoots();
  places.now_s = base::WallNowS();
  const std::string usual = HeadFolder::DefaultPath();
  if (!usual.empty()) places.head_folders.push_back(usual);
  const std::string credentials = base::CredentialsPath("x");
  if (!credentials.empty()) {
    places.state_folder = fs::path(credentials).parent_path().parent_path();
  }
  const auto listening = ListeningSockets();
  for (const pid_t pid : raylet::AllProcesses()) {
    if (IsOurs(pid)) LookAt(pid, listening, &places);
  }
  Unique(&places.head_folders);
  return places;
}

std::vector<Check> CheckSecurity(const SecurityPlaces& places) {
  std::vector<Check> checks;
  for (const TcpListener& listener : places.listeners) {
    checks.push_back(CheckListener(listener));
  }
  if (places.listeners.empty()) {
    checks.push_back({"listener", true, "none of TCP", ""});
  }
  for (const std::string& root : places.roots) {
    CheckSessions(root, places.now_s, &checks);
  }
  for (const std::string& head : places.head_folders) {
    CheckHead(head, places.now_s, &checks);
  }
  for (const char* const name : {"credentials", "tokens"}) {
    const std::string folder = places.state_folder + "/" + name;
    if (places.state_folder.empty() || !IsThere(folder)) continue;
    checks.push_back(CheckFolder(name, folder));
    for (const std::string& file : FilesIn(folder)) {
      checks.push_back(name[0] == 'c' ? CheckCredentials(file, places.now_s)
                                      : CheckTokenFile(file, places.now_s));
    }
  }
  checks.push_back({"jobs", false,
                    "programs of one user are not protected from one another",
                    "run those that must be as users of their own",
                    /*is_note=*/true});
  return checks;
}

std::string SecurityText(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& check : checks) {
    text += (check.ok        ? "ok     "
             : check.is_note ? "note   "
                             : "WRONG  ") +
            check.name + ": " + check.detail + "\n";
    if (!check.ok && !check.advice.empty()) {
      text += "       " + check.advice + "\n";
    }
  }
  return text;
}

}  // namespace mobula::cli
