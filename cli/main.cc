// The program `mobula`: one command a daemon, and the commands for people.
#include <cstdio>
#include <string>
#include <variant>

#include "base/control/node_file.h"
#include "base/frames/hello.h"
#include "cli/command_line.h"
#include "cli/doctor.h"
#include "cli/nodes/report.h"
#include "cli/nodes/start.h"
#include "cli/nodes/stop.h"
#include "cli/tools/kill.h"
#include "cli/tools/logs.h"
#include "cli/tools/stack.h"
#include "cli/version.h"
#include "gcs/server/gcs_main.h"
#include "raylet/server/raylet_main.h"

namespace mobula::cli {
namespace {

int Run(const raylet::RayletOptions& options) {
  return raylet::RunRaylet(options);
}

int Run(const gcs::GcsOptions& options) { return gcs::RunGcs(options); }

int Run(const StartCommand& command) { return RunStart(command); }

int Run(const StopCommand& command) { return RunStop(command); }

int Run(const LogsCommand& command) { return RunLogs(command); }

int Run(const StackCommand& command) { return RunStack(command); }

int Run(const KillCommand& command) { return RunKill(command); }

int Run(const ReportCommand& command) { return RunReport(command); }

int Run(const VersionCommand& command) {
  if (command.json) {
    std::printf("{\"version\":\"%s\",\"protocol\":%u}\n", kVersion,
                base::kProtocolVersion);
  } else {
    std::printf("mobula %s, protocol %u\n", kVersion, base::kProtocolVersion);
  }
  return 0;
}

int Run(const DoctorCommand& command) {
  const std::vector<std::string> roots = base::SessionRoots();
  if (command.clean) {
    const Cleaned cleaned = Clean(roots);
    std::fprintf(stderr,
                 "mobula doctor: removed %zu sessions, ended %zu "
                 "processes\n",
                 cleaned.sessions, cleaned.processes);
  }
  const Report report = Examine(roots);
  const std::string text = command.json ? AsJson(report) : AsText(report);
  std::fputs(text.c_str(), stdout);
  return report.IsHealthy() ? 0 : 1;
}

int Run(const Leave& leave) {
  std::fputs(leave.text.c_str(), leave.exit_code == 0 ? stdout : stderr);
  return leave.exit_code;
}

}  // namespace
}  // namespace mobula::cli

int main(int argc, char** argv) {
  const mobula::cli::Command command =
      mobula::cli::ParseCommandLine(argc, argv);
  return std::visit([](const auto& which) { return mobula::cli::Run(which); },
                    command);
}
