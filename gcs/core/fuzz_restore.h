// RestoreAnything gives bytes from outside to a core as the records of its log,
// and checks what must hold if it takes them; libFuzzer and a test call it.
//
// The bytes are records, one after the other: a byte for the key's length, the
// key, two bytes for the value's length (low, high), the value. If all are
// taken, the core must be whole, work, and be restored from what it wrote.
// Threading: none. Failure: aborts if an invariant does not hold.
#ifndef MOBULA_GCS_CORE_FUZZ_RESTORE_H_
#define MOBULA_GCS_CORE_FUZZ_RESTORE_H_

#include <string>
#include <string_view>
#include <vector>

namespace mobula::gcs {

// Whether the records were taken.
bool RestoreAnything(std::string_view bytes);

// Logs that are taken, from which mutations begin.
std::vector<std::string> RestoreSeeds();

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_FUZZ_RESTORE_H_
