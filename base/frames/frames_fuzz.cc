// Gives what it is given to all that reads frames (base/frames/fuzz_frames.h).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/frames/fuzz_frames.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  mobula::base::ReadAnything(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
