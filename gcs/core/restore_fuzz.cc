// Restores what it is given as a log's records (gcs/core/fuzz_restore.h).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gcs/core/fuzz_restore.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  mobula::gcs::RestoreAnything(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
