// Whatever the bytes, the check ends, and says an offset that is in them; what
// it calls torn is whole once it is cut there.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "gcs/log/wal_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using mobula::gcs::CheckWal;
  using mobula::gcs::WalCheck;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const WalCheck check = CheckWal(bytes);
  MOBULA_CHECK(check.offset <= size);
  if (check.state == WalCheck::kTorn) {
    const WalCheck cut = CheckWal(bytes.substr(0, check.offset));
    MOBULA_CHECK(cut.state == WalCheck::kWhole);
    MOBULA_CHECK(cut.records == check.records);
  }
  return 0;
}
