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

#include "gcs/server/gcs_options.h"

namespace mobula::gcs {

int RunGcs(const GcsOptions& options);

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_SERVER_GCS_MAIN_H_
