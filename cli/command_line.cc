#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <vector>

#include "cli/version.h"

namespace mobula::cli {
namespace {

constexpr int kWrongUsage = 2;

// "gpu=0.5"; false if it is nothing of the kind.
bool ParseResource(const std::string& text, raylet::RayletOptions* options) {
  const std::size_t equals = text.rfind('=');
  if (equals == 0 || equals == std::string::npos) return false;
  double quantity = 0;
  if (!CLI::detail::lexical_cast(text.substr(equals + 1), quantity)) {
    return false;
  }
  options->resources[text.substr(0, equals)] = quantity;
  return true;
}

void AddRaylet(CLI::App* app, raylet::RayletOptions* options,
               std::vector<std::string>* resources) {
  app->add_option("--driver-fd", options->driver_fd,
                  "descriptor of our end of the driver's socketpair")
      ->required();
  app->add_option("--program-fd", options->program_fd,
                  "descriptor of the program that workers execute")
      ->required();
  app->add_option("--cpus", options->cpus, "processors to offer");
  app->add_option("--memory", options->memory_bytes, "bytes to offer");
  app->add_option("--resource", *resources, "NAME=QUANTITY to offer; repeats")
      ->take_all()
      ->expected(1);
  app->add_option("--workers-max", options->workers_max,
                  "worker processes at once, at most");
}

bool HasCommand(CLI::App* app, const std::string& name) {
  return !app->get_subcommands([&name](CLI::App* command) {
               return command->get_name() == name;
             })
              .empty();
}

}  // namespace

Command ParseCommandLine(int argc, const char* const* argv) {
  CLI::App app("mobula: remote functions and actors for C++ programs",
               "mobula");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("mobula ") + kVersion);
  raylet::RayletOptions raylet;
  std::vector<std::string> resources;
  CLI::App* const on_raylet = app.add_subcommand(
      "raylet", "the agent of one node; started by programs, not by people");
  AddRaylet(on_raylet, &raylet, &resources);
  VersionCommand version;
  CLI::App* const on_version =
      app.add_subcommand("version", "the version of this program");
  on_version->add_flag("--json", version.json, "as one JSON object");
  DoctorCommand doctor;
  CLI::App* const on_doctor = app.add_subcommand(
      "doctor", "what this machine lacks, and what crashed programs left");
  on_doctor->add_flag("--json", doctor.json, "as one JSON object");
  on_doctor->add_flag("--clean", doctor.clean,
                      "end and remove what crashed programs left");
  if (argc < 2) return Leave{kWrongUsage, app.help()};
  // CLI11 would only ask for a subcommand.
  const std::string first = argv[1];
  if (!first.starts_with("-") && !HasCommand(&app, first)) {
    return Leave{kWrongUsage,
                 "mobula: there is no command " + first + "\n" + app.help()};
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    const bool asked = app.exit(error, text, text) == 0;
    if (asked) return Leave{0, text.str()};
    return Leave{kWrongUsage, "mobula: " + text.str()};
  }
  if (on_version->parsed()) return version;
  if (on_doctor->parsed()) return doctor;
  for (const std::string& resource : resources) {
    if (ParseResource(resource, &raylet)) continue;
    return Leave{kWrongUsage, "mobula: --resource " + resource +
                                  " is not of the form NAME=QUANTITY\n"};
  }
  return raylet;
}

}  // namespace mobula::cli
