// A cluster's file, read from the disk, and what it names looked for.
//
//   const auto read = ReadSpecFile("laptop.yaml", &error);
// Threading: functions; any thread.
// Failure: nothing, and a line "FILE:LINE: what" for each thing that is wrong.
#ifndef MOBULA_CLI_CLUSTER_SPEC_FILE_H_
#define MOBULA_CLI_CLUSTER_SPEC_FILE_H_

#include <optional>
#include <string>

#include "cli/cluster/cluster_spec.h"

namespace mobula::cli {

struct SpecFile {
  std::string path;  // absolute
  std::string text;
  ClusterSpec spec;
};

std::optional<SpecFile> ReadSpecFile(const std::string& path,
                                     std::string* error);
// What was read before, without a look at the disk.
std::optional<ClusterSpec> ParseAgain(const std::string& path,
                                      const std::string& text,
                                      std::string* error);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_SPEC_FILE_H_
