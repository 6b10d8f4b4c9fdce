// AuditLog is the file in which stands who was let in, who was refused, and
// which tokens and certificates were made.
//
//   {"at":"2026-01-31T10:00:00Z","allow":false,"what":"refused",
//    "from":"10.0.0.7:51000","detail":"the token is used up ..."}
// One JSON object a line (wrapped here). The file is 0600; when it is full it
// becomes FILE.1, that FILE.2 and so on; the oldest goes. Of what is refused
// refused_per_s_max lines a second are written, and how many are left out.
// Owner: gcs::Door.   Threading: one strand.
// Failure: Open says why not; a line that cannot be written is told to the log,
// once, and the work goes on.
#ifndef MOBULA_BASE_SECURITY_AUDIT_LOG_H_
#define MOBULA_BASE_SECURITY_AUDIT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/unique_fd.h"

namespace mobula::base {

struct AuditEntry {
  std::int64_t at_s = 0;  // wall clock
  bool allowed = false;
  std::string what;
  std::string from;
  std::string detail;
};

class AuditLog {
 public:
  struct Options {
    std::size_t file_bytes_max = std::size_t{1} << 20;
    int files_max = 5;
    std::uint32_t refused_per_s_max = 10;
  };

  static std::unique_ptr<AuditLog> Open(const std::string& path,
                                        Options options, std::string* error);

  void Write(const AuditEntry& entry);

 private:
  AuditLog(std::string path, Options options)
      : path_(std::move(path)), options_(options) {}

  bool OpenFile(std::string* error);
  void Rotate();
  void Append(const std::string& line);

  const std::string path_;
  const Options options_;
  UniqueFd file_;
  std::size_t size_ = 0;
  std::int64_t second_ = 0;  // in which `refused_` were written
  std::uint32_t refused_ = 0;
  std::uint64_t left_out_ = 0;
  bool complained_ = false;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_AUDIT_LOG_H_
