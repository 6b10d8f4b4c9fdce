// The program `mobula-gcs`, which lies beside `mobula`: the control store.
// `mobula gcs` executes it with its own arguments.
#include <cstdio>
#include <variant>

#include "cli/command_line.h"
#include "gcs/server/gcs_main.h"
#include "gcs/server/gcs_options.h"

int main(int argc, char** argv) {
  using mobula::cli::Leave;
  const mobula::cli::Command command =
      mobula::cli::ParseCommandLine(argc, argv);
  if (const auto* const gcs = std::get_if<mobula::gcs::GcsOptions>(&command)) {
    return mobula::gcs::RunGcs(*gcs);
  }
  if (const auto* const leave = std::get_if<Leave>(&command)) {
    std::fputs(leave->text.c_str(), leave->exit_code == 0 ? stdout : stderr);
    return leave->exit_code;
  }
  std::fputs("mobula-gcs: it is only for `mobula gcs`\n", stderr);
  return 2;
}
