#include "base/shm/spin/cpu_gauge.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace mobula::base {
namespace {

// The first bytes of the file, which are all that is asked for.
std::string_view ReadHead(const UniqueFd& fd, std::array<char, 128>& buffer) {
  if (!fd.valid()) return {};
  const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

std::int64_t NumberAt(std::string_view text) {
  std::int64_t number = -1;
  const auto result =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? number : -1;
}

int CountCpus() {
  cpu_set_t allowed;
  const int count = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0
                        ? CPU_COUNT(&allowed)
                        : static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  const UniqueFd fd(::open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> buffer;
  const int quota = CpuGauge::QuotaOf(ReadHead(fd, buffer));
  return quota < 0 ? count : std::min(count, quota);
}

}  // namespace

CpuGauge::CpuGauge()
    : loadavg_(::open("/proc/loadavg", O_RDONLY | O_CLOEXEC)),
      cpus_(CountCpus()) {}

int CpuGauge::Runnable(BootTime now) {
  if (now - looked_at_ < kFreshFor) return runnable_;
  looked_at_ = now;
  std::array<char, 128> buffer;
  runnable_ = RunnableOf(ReadHead(loadavg_, buffer));
  if (runnable_ < 0) runnable_ = cpus_ + 1;
  return runnable_;
}

int CpuGauge::RunnableOf(std::string_view loadavg) {
  const std::size_t slash = loadavg.find('/');
  if (slash == std::string_view::npos) return -1;
  const std::size_t space = loadavg.rfind(' ', slash);
  if (space == std::string_view::npos) return -1;
  return static_cast<int>(NumberAt(loadavg.substr(space + 1)));
}

int CpuGauge::QuotaOf(std::string_view cpu_max) {
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return -1;
  const std::int64_t quota = NumberAt(cpu_max.substr(0, space));
  const std::int64_t period = NumberAt(cpu_max.substr(space + 1));
  if (quota < 0 || period <= 0) return -1;
  return static_cast<int>(quota / period);
}

}  // namespace mobula::base
