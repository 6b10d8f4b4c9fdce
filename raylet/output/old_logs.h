// OldLogs bounds what the logs of workers that have ended take: the oldest go.
//
//   OldLogs logs(folder);        // also those that an earlier raylet left
//   there logs.Reuse(path);            // a worker begins, and writes that file
//   anew logs.Keep(path);             // it has ended
// A log is FOLDER/worker-PID.log and the file beside it (worker_log.h).
// Owner: Server.   Threading: one thread.
// Invariants: (1) of those that have ended at most count_max are there, with
// bytes_max in all; (2) a file of a worker that lives is never removed.
// Failure: a file that cannot be removed is forgotten.
#ifndef MOBULA_RAYLET_OUTPUT_OLD_LOGS_H_
#define MOBULA_RAYLET_OUTPUT_OLD_LOGS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

namespace mobula::raylet {

class OldLogs {
 public:
  struct Limits {
    std::size_t count_max = 200;
    std::uint64_t bytes_max = std::uint64_t{256} << 20;
  };

  explicit OldLogs(const std::string& folder) : OldLogs(folder, Limits()) {}
  OldLogs(const std::string& folder, Limits limits);

  void Reuse(const std::string& path);
  // Nothing where it wrote nothing.
  void Keep(const std::string& path);

  [[nodiscard]] std::size_t count() const { return logs_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Log {
    std::string path;
    std::uint64_t bytes = 0;
  };

  void Forget(const std::string& path);

  const Limits limits_;
  std::deque<Log> logs_;  // the oldest first
  std::uint64_t bytes_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OUTPUT_OLD_LOGS_H_
