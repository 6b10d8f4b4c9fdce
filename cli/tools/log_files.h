// Which files hold the log of what, among those of a node's session folder.
//
//   FOLDER/keeper.log  gcs.log  raylet.log     of the daemons
//   FOLDER/logs/...PID...                      of workers
// Threading: functions.
#ifndef MOBULA_CLI_TOOLS_LOG_FILES_H_
#define MOBULA_CLI_TOOLS_LOG_FILES_H_

#include <string>
#include <vector>

namespace mobula::cli {

// Every log of the folder, full paths in order; those that were rotated away
// (raylet.log.1) are left out.
std::vector<std::string> LogFiles(const std::string& folder);

// Those of `which`: the name of a daemon, or a number that stands in the name
// by itself (a pid).
std::vector<std::string> LogFilesOf(const std::vector<std::string>& files,
                                    const std::string& which);

// The last lines of a file, with where it ended.
struct Tail {
  std::string text;
  long long end = 0;
};
Tail ReadTail(const std::string& file, int lines);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_LOG_FILES_H_
