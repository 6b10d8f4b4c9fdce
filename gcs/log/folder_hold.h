// FolderHold is one process's sole right to a folder: a lock on its file
// `holder`, which says who has it.
//
//   std::optional<FolderHold> hold = FolderHold::Take(folder, &error);
//
// The kernel drops the lock when the process ends, however it ends; nothing is
// to be cleaned up.
// Threading: a value, moved not copied.
// Failure: Take names the holder: pid, host and since when.
#ifndef MOBULA_GCS_LOG_FOLDER_HOLD_H_
#define MOBULA_GCS_LOG_FOLDER_HOLD_H_

#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.h"

namespace mobula::gcs {

class FolderHold {
 public:
  static std::optional<FolderHold> Take(const std::string& folder,
                                        std::string* error);

 private:
  explicit FolderHold(base::UniqueFd file) : file_(std::move(file)) {}

  base::UniqueFd file_;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_LOG_FOLDER_HOLD_H_
