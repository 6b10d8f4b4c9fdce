// The files of a control log's folder, looked at before RocksDB opens them: it
// would say of damage neither where it is nor, always, that it is there.
//
//   std::string error;
//   if (!MendLogFiles(folder, &error)) return error;
//
// Threading: blocks; by who holds the folder.
#ifndef MOBULA_GCS_LOG_LOG_FILES_H_
#define MOBULA_GCS_LOG_LOG_FILES_H_

#include <string>

namespace mobula::gcs {

// Reads the MANIFEST in use and the write-ahead logs and cuts off the torn
// record at the end of the last of each kind. False, with the file, the offset
// and what is wrong, if anything else is damaged or files are missing.
[[nodiscard]] bool MendLogFiles(const std::string& folder, std::string* error);

// Whether a RocksDB was ever made in this folder.
[[nodiscard]] bool HasLogFiles(const std::string& folder);

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_LOG_LOG_FILES_H_
