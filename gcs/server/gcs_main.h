// RunGcs is the process `mobula gcs`, from the command line to the exit code.
//
// It serves until SIGTERM, or until the process that started it is gone. Once
// it serves it writes to ready_fd: a line for each address it listens at, and
// an empty one.
// Threading: called by main, in a process with one thread.
// Failure: a sentence on stderr and exit code 1; 2 where the arguments make no
// sense.
#ifndef MOBULA_GCS_SERVER_GCS_MAIN_H_
#define MOBULA_GCS_SERVER_GCS_MAIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mobula::gcs {

struct GcsOptions {
  std::string dir;  // the log is kept in its folder `log`
  std::vector<std::string> listen;
  int serve_fd = -1;       // a connected socket to serve, with those accepted
  int ready_fd = -1;       // told when it serves
  std::string token_file;  // holds what is asked for over TCP
  std::string log_file;    // of what it does; "": stderr
  std::optional<std::int64_t> reserve_bytes;  // of the disk
};

int RunGcs(const GcsOptions& options);

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_SERVER_GCS_MAIN_H_
