// The command line of `mobula`, taken apart. CLI11 stands behind this header.
// Threading: a value.
#ifndef MOBULA_CLI_COMMAND_LINE_H_
#define MOBULA_CLI_COMMAND_LINE_H_

#include <string>
#include <variant>

#include "cli/cluster/cluster_command.h"
#include "cli/memory/memory.h"
#include "cli/nodes/report.h"
#include "cli/nodes/start.h"
#include "cli/nodes/stop.h"
#include "cli/tables/show.h"
#include "cli/tools/kill.h"
#include "cli/tools/logs.h"
#include "cli/tools/stack.h"
#include "cli/tools/token.h"
#include "gcs/server/gcs_options.h"
#include "raylet/server/raylet_main.h"

namespace mobula::cli {

struct VersionCommand {
  bool json = false;
};

struct DoctorCommand {
  bool json = false;
  bool clean = false;
  bool security = false;
};

// Nothing is left to do: help was asked for, or the arguments are wrong.
struct Leave {
  int exit_code = 0;
  std::string text;  // for stdout where exit_code is 0, else for stderr
};

using Command =
    std::variant<raylet::RayletOptions, gcs::GcsOptions, StartCommand,
                 StopCommand, StatusCommand, ListCommand, GetCommand,
                 MemoryCommand, LogsCommand, StackCommand, KillCommand,
                 ReportCommand, TokenCommand, ClusterCommand, VersionCommand,
                 DoctorCommand, Leave>;

Command ParseCommandLine(int argc, const char* const* argv);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_COMMAND_LINE_H_
