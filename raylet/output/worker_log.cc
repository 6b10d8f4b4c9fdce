#include "raylet/output/worker_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace mobula::raylet {

WorkerLog::WorkerLog(std::string folder, int pid, std::size_t bytes_max)
    : folder_(std::move(folder)),
      path_(folder_ + "/worker-" + std::to_string(pid) + ".log"),
      bytes_max_(bytes_max) {}

bool WorkerLog::Open() {
  if (file_.valid()) return true;
  ::mkdir(folder_.c_str(), 0700);
  // The number may have been another worker's before.
  file_.Reset(::open(path_.c_str(),
                     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                     0600));
  bytes_ = 0;
  return file_.valid();
}

void WorkerLog::Append(const OutputBatch& batch) {
  std::string text;
  if (batch.omitted > 0) {
    text += "[" + std::to_string(batch.omitted) + " lines left out]\n";
  }
  for (const std::string& line : batch.lines) text += line + "\n";
  if (text.empty()) return;
  if (file_.valid() && bytes_ + text.size() > bytes_max_ / 2) {
    file_.Reset();
    ::rename(path_.c_str(), (path_ + ".1").c_str());
  }
  if (!Open()) return;
  const ssize_t n = ::write(file_.get(), text.data(), text.size());
  if (n > 0) bytes_ += static_cast<std::size_t>(n);
}

}  // namespace mobula::raylet
