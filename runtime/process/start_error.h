// StartError says why a program got no runtime.
// Threading: a value.
#ifndef MOBULA_RUNTIME_PROCESS_START_ERROR_H_
#define MOBULA_RUNTIME_PROCESS_START_ERROR_H_

#include <cstdint>
#include <string>

namespace mobula::runtime {

struct StartError {
  enum class Code : std::uint8_t {
    kHeadNotFound = 1,  // no `mobula`; the message lists where we looked
    kHeadFailed,        // it could not be started, or ended at once
    kVersion,           // it is another version; the message names both files
    kTimeout,           // it did not answer in time
    kSystem,            // no memory, no descriptors, no processes
    kBadArgument,       // the options make no sense
  };
  Code code = Code::kSystem;
  std::string message;  // whole sentences, with what the head printed
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_START_ERROR_H_
