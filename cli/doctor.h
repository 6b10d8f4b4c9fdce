// The doctor looks at this machine: does the kernel have what we need, are the
// user's limits and the runtime folder right, and did a crashed program leave
// anything behind?
//
//   Report report = Examine(UsualPlaces());
//   std::fputs(AsText(report).c_str(), stdout);
// Threading: any; Clean kills processes that carry a dead session's mark.
// Failure: what cannot be found out is a check that failed.
#ifndef MOBULA_CLI_DOCTOR_H_
#define MOBULA_CLI_DOCTOR_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "cli/check.h"

namespace mobula::cli {

struct Leftover {
  std::string kind;  // "session" or "process"
  std::string what;  // its path, or its pid and program
};

struct Report {
  std::vector<Check> checks;
  std::vector<Leftover> leftovers;
  std::size_t live_sessions = 0;
  std::vector<std::string> nodes;  // that `mobula start` began, a line each

  [[nodiscard]] bool IsHealthy() const;
};

// Where to look.
struct Places {
  std::vector<std::string> roots;  // as of base::SessionRoots
  std::string programs;            // the folder of `mobula`; "": not looked at
  std::string head_folder;         // HeadFolder::DefaultPath; "": the same
};
// Of this process and its environment.
Places UsualPlaces();

Report Examine(const Places& places);

struct Cleaned {
  std::size_t sessions = 0;
  std::size_t processes = 0;
};
// Ends and removes what no live session holds.
Cleaned Clean(const std::vector<std::string>& roots);

std::string AsText(const Report& report);
std::string AsJson(const Report& report);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_DOCTOR_H_
