// DecodeAnything feeds bytes from anywhere to the decoders of many types and
// checks what must hold for all of them; libFuzzer and a unit test call it.
//
// The first byte chooses the type. If the rest decodes, encoding the value,
// decoding that and encoding again must give the same bytes. Aborts if not.
// Threading: none.
#ifndef MOBULA_BASE_CODEC_FUZZ_DECODE_H_
#define MOBULA_BASE_CODEC_FUZZ_DECODE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mobula::base {

// Whether the bytes decoded.
bool DecodeAnything(std::string_view bytes);

// One valid input for each type: what mutations start from.
std::vector<std::string> DecodeSeeds();

}  // namespace mobula::base

#endif  // MOBULA_BASE_CODEC_FUZZ_DECODE_H_
