#include "runtime/debug/debug_reports.h"

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/threads/debug_mode.h"

namespace mobula::runtime {
namespace {

constexpr std::size_t kReportsMax = 1'000;

using TellFn = std::function<void(const DebugReport&)>;

struct Reports {
  base::Mutex mutex;
  std::unordered_set<std::string> seen MOBULA_GUARDED_BY(mutex);
  std::shared_ptr<const TellFn> tell MOBULA_GUARDED_BY(mutex);
};

// Never destroyed: what ends late reports too.
Reports& TheReports() {
  static auto* const reports = new Reports;
  return *reports;
}

[[maybe_unused]] const bool from_environment = DebugFromEnvironment();

}  // namespace

bool DebugFromEnvironment() {
  const char* const value = std::getenv("MOBULA_DEBUG");
  if (value == nullptr || std::string_view(value) != "1") return false;
  base::debug_mode.store(true);
  return true;
}

void Report(const DebugReport& report) {
  Reports& reports = TheReports();
  std::shared_ptr<const TellFn> tell;
  {
    base::MutexLock lock(reports.mutex);
    if (reports.seen.size() >= kReportsMax) return;
    if (!reports.seen.insert(report.text).second) return;
    tell = reports.tell;
  }
  if (tell != nullptr) {
    (*tell)(report);
  } else {
    MOBULA_LOG(WARNING) << report.text;
  }
}

void TellOfReports(TellFn tell) {
  std::shared_ptr<const TellFn> made;
  if (tell != nullptr) made = std::make_shared<const TellFn>(std::move(tell));
  Reports& reports = TheReports();
  base::MutexLock lock(reports.mutex);
  reports.tell.swap(made);
  reports.seen.clear();
}

}  // namespace mobula::runtime
