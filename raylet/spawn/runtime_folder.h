// RuntimeFolder is the folder of one session: its logs and its session file.
//
//   $XDG_RUNTIME_DIR/mobula/SESSION or /tmp/mobula-UID/SESSION
//
// It belongs to this user and is closed to others (0700); a link, or a folder
// of somebody else in its place, is refused. The session file is locked
// (flock) by the raylet: as long as it lives the session lives. One whose lock
// is free was left by a crash of raylet and janitor (or the janitor is at it),
// and is reaped: processes that carry its mark (MOBULA_SESSION in the
// environment) are killed, the folder is removed.
//   Plan --Make--> there, locked --Remove--> gone
// Owner: the janitor, which plans it, and its raylet, which makes it: so that
// somebody is there to remove it from the first moment on.
// Threading: one thread.
// Failure: Plan and Make say in a sentence what is wrong with which path.
#ifndef MOBULA_RAYLET_SPAWN_RUNTIME_FOLDER_H_
#define MOBULA_RAYLET_SPAWN_RUNTIME_FOLDER_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace mobula::raylet {

// The environment variable by which a session's processes are known.
inline constexpr char kSessionMark[] = "MOBULA_SESSION";

class RuntimeFolder {
 public:
  // Names a session in the first root that can be used (base::SessionRoots).
  static std::optional<RuntimeFolder> Plan(
      const std::vector<std::string>& roots, std::string* error);

  RuntimeFolder(RuntimeFolder&&) = default;
  RuntimeFolder& operator=(RuntimeFolder&&) = default;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& session() const { return session_; }
  [[nodiscard]] bool Make(std::string* error);
  // With all that is in it, whoever made it; twice is once.
  void Remove();
  // What is in it, without the session file and what `keep` says of its name.
  void Clear(const std::function<bool(const std::string& name)>& keep);

 private:
  friend std::vector<RuntimeFolder> ClaimStale(const std::string& root);
  RuntimeFolder() = default;

  std::string session_;
  std::string path_;
  base::UniqueFd root_;  // the folder above
  base::UniqueFd lock_;  // the session file
};

struct SessionState {
  std::string session;
  std::string path;
  bool live = false;
};

// Every session under a root. Empty if the root is absent or not ours.
std::vector<SessionState> ListSessions(const std::string& root);

// Takes over every session that nobody holds; nobody else can claim it then.
std::vector<RuntimeFolder> ClaimStale(const std::string& root);

// Processes of this user that carry the mark of `session` ("": of any), never
// the caller or one it descends from.
std::vector<pid_t> MarkedProcesses(std::string_view session);

// SIGKILL, unless the number has passed to a process without that mark. Gives
// its pidfd; invalid if nothing was sent.
base::UniqueFd KillMarked(pid_t pid, const std::string& session);

struct Reaped {
  std::size_t sessions = 0;
  std::size_t processes = 0;
};
// Ends what crashed sessions left behind under these roots.
Reaped ReapStale(const std::vector<std::string>& roots);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_RUNTIME_FOLDER_H_
