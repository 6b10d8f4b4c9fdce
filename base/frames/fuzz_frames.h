// ReadAnything gives bytes from outside to everything in frames that reads
// them: the target of fuzzing, shared by its two programs and its test.
//
// The first byte chooses: a message, a hello, a header, or a connection on
// which a whole Link stands, with the peer's hello before the bytes or without.
// Threading: none. Failure: aborts if an invariant does not hold.
#ifndef MOBULA_BASE_FRAMES_FUZZ_FRAMES_H_
#define MOBULA_BASE_FRAMES_FUZZ_FRAMES_H_

#include <string>
#include <string_view>
#include <vector>

namespace mobula::base {

// Whether something was accepted as whole: a message, a hello, a header, or on
// a connection at least one message.
bool ReadAnything(std::string_view bytes);

// Inputs that are accepted, from which mutations begin.
std::vector<std::string> FrameSeeds();

}  // namespace mobula::base

#endif  // MOBULA_BASE_FRAMES_FUZZ_FRAMES_H_
