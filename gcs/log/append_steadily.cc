// Appends numbered records to the control log in argv[1], from argv[2] on, and
// writes the number of each to stdout (8 bytes) once it is told durable, until
// it is killed.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/check.h"
#include "base/strand.h"
#include "gcs/core/commit_queue.h"
#include "gcs/log/control_log.h"

namespace mobula::gcs {
namespace {

constexpr std::uint64_t kInFlight = 20;

void AppendFrom(const std::string& folder, std::uint64_t first) {
  base::Strand strand("append");
  std::string error;
  std::uint64_t next = first;
  std::unique_ptr<ControlLog> log;
  const auto append = [&next, &log] {
    const std::string number = std::to_string(next++);
    // Some batches are larger than a memory table, so that tables are written.
    const std::size_t length = next % 64 == 0 ? 300'000 : 1 + next % 700;
    log->Append({{"k" + number, number + std::string(length, '.')},
                 {"twin" + number, number}});
  };
  ControlLog::Options options;
  options.folder = folder;
  log = ControlLog::Open(strand, options,
                         {[&](std::uint64_t durable) {
                            const std::uint64_t told = first + durable - 1;
                            const ssize_t put =
                                ::write(STDOUT_FILENO, &told, sizeof(told));
                            MOBULA_CHECK(put == sizeof(told));
                            while (next - first - durable < kInFlight) append();
                          },
                          [](bool, std::int64_t) {}},
                         &error);
  MOBULA_CHECK(log != nullptr) << error;
  append();
  strand.Run();
}

}  // namespace
}  // namespace mobula::gcs

int main(int argc, char** argv) {
  MOBULA_CHECK(argc == 3);
  mobula::gcs::AppendFrom(argv[1], std::strtoull(argv[2], nullptr, 10));
}
