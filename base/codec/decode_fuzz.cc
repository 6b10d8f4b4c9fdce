// Decodes what it is given as many types (base/codec/fuzz_decode.h).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/codec/fuzz_decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  mobula::base::DecodeAnything(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
