// GcsOptions is what the command line of `mobula gcs` says (gcs_main.h).
// Threading: a value.
#ifndef MOBULA_GCS_SERVER_GCS_OPTIONS_H_
#define MOBULA_GCS_SERVER_GCS_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/settings/log_settings.h"

namespace mobula::gcs {

struct GcsOptions {
  std::string dir;  // the log is kept in its folder `log`
  std::vector<std::string> listen;
  int serve_fd = -1;       // a connected socket to serve, with those accepted
  int ready_fd = -1;       // told when it serves
  std::string token_file;  // holds what is asked for over TCP
  std::string log_file;    // of what it does; "": stderr
  base::LogSettings log;   // before what the environment says
  std::optional<std::int64_t> reserve_bytes;  // of the disk
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_SERVER_GCS_OPTIONS_H_
