#include "tests/sim/trace.h"

#include <iomanip>
#include <ostream>

namespace mobula::sim {

void Trace::PrintLine(base::BootTime now, base::ProcessId process,
                      std::string_view what, const std::string& text) {
  // Microseconds since the simulation began, at second 1000.
  const auto since = now.since_boot() - std::chrono::seconds(1000);
  *out_ << std::setw(10) << since.count() / 1000 << "us p" << std::hex
        << process.hi << '.' << process.lo << std::dec << ' ' << what << ' '
        << text << '\n';
}

}  // namespace mobula::sim
