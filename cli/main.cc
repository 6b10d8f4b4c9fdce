// The program `mobula`: one command a daemon, and the commands for people.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <type_traits>
#include <variant>

#include "base/control/node_file.h"
#include "base/error_text.h"
#include "base/frames/hello.h"
#include "cli/cluster/cluster_command.h"
#include "cli/command_line.h"
#include "cli/doctor.h"
#include "cli/memory/memory.h"
#include "cli/nodes/report.h"
#include "cli/nodes/start.h"
#include "cli/nodes/stop.h"
#include "cli/security_checks.h"
#include "cli/tables/show.h"
#include "cli/tools/kill.h"
#include "cli/tools/logs.h"
#include "cli/tools/stack.h"
#include "cli/tools/token.h"
#include "cli/version.h"
#include "gcs/server/gcs_options.h"
#include "raylet/server/raylet_main.h"

namespace mobula::cli {
namespace {

int Run(const raylet::RayletOptions& options) {
  return raylet::RunRaylet(options);
}

// The control store is a program of its own, beside this one.
int ExecuteGcs(char** argv) {
  std::error_code wrong;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", wrong);
  const std::string path = self.parent_path() / "mobula-gcs";
  if (!wrong) ::execv(path.c_str(), argv);
  const int error = wrong ? wrong.value() : errno;
  std::fprintf(stderr, "mobula gcs: %s\n",
               base::WithErrorText("cannot execute " + path, error).c_str());
  return 1;
}

int Run(const StartCommand& command) { return RunStart(command); }

int Run(const StopCommand& command) { return RunStop(command); }

int Run(const StatusCommand& command) { return Print(Show(command)); }

int Run(const ListCommand& command) { return Print(Show(command)); }

int Run(const GetCommand& command) { return Print(Show(command)); }

int Run(const MemoryCommand& command) { return Print(Show(command)); }

int Run(const LogsCommand& command) { return RunLogs(command); }

int Run(const StackCommand& command) { return RunStack(command); }

int Run(const KillCommand& command) { return RunKill(command); }

int Run(const ReportCommand& command) { return RunReport(command); }

int Run(const TokenCommand& command) { return RunToken(command); }

int Run(const ClusterCommand& command) { return RunCluster(command); }

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
  if (command.security) {
    Report report;
    report.checks = CheckSecurity(UsualSecurityPlaces());
    const std::string text =
        command.json ? AsJson(report) : SecurityText(report.checks);
    std::fputs(text.c_str(), stdout);
    return report.IsHealthy() ? 0 : 1;
  }
  const std::vector<std::string> roots = base::SessionRoots();
  if (command.clean) {
    const Cleaned cleaned = Clean(roots);
    std::fprintf(stderr,
                 "mobula doctor: removed %zu sessions, ended %zu "
                 "processes\n",
                 cleaned.sessions, cleaned.processes);
  }
  const Report report = Examine(UsualPlaces());
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
  return std::visit(
      [argv](const auto& which) {
        using Which = std::decay_t<decltype(which)>;
        if constexpr (std::is_same_v<Which, mobula::gcs::GcsOptions>) {
          return mobula::cli::ExecuteGcs(argv);
        } else {
          return mobula::cli::Run(which);
        }
      },
      command);
}
