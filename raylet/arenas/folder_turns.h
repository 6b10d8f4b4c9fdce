// FolderTurns says into which of several folders the next file goes: into each
// in turn, but not into one that takes none.
//
//   good --three failures in a row--> left alone --30 s--> tried
//   tried --Worked--> good          tried --Failed--> left alone
// Owner: ArenaShell.   Threading: none.
// Invariants: (1) each folder is in every order, once; (2) those that are left
// alone come last, so that they serve only where the others fail.
#ifndef MOBULA_RAYLET_ARENAS_FOLDER_TURNS_H_
#define MOBULA_RAYLET_ARENAS_FOLDER_TURNS_H_

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/boot_time.h"

namespace mobula::raylet {

class FolderTurns {
 public:
  static constexpr int kFailuresMax = 3;
  static constexpr base::Duration kAgainAfter = std::chrono::seconds(30);

  explicit FolderTurns(std::size_t count) : folders_(count) {}

  // In which order to try them for the next file.
  std::vector<std::size_t> Order(base::BootTime now);
  void Worked(std::size_t folder);
  // `why` names it. Whether it is left alone, and was not before.
  bool Failed(std::size_t folder, std::string why, base::BootTime now);

  // Why those that are left alone are; "" where none is.
  [[nodiscard]] std::string Wrong() const;

 private:
  struct Folder {
    int failures = 0;  // in a row
    base::BootTime again_at;
    std::string why;
  };

  std::vector<Folder> folders_;
  std::size_t next_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_ARENAS_FOLDER_TURNS_H_
