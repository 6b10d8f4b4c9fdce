// What the control store knows of objects: those that lie in nodes' stores, as
// the raylets tell it, and the values that were published under a name.
//
// Records of published values lie in its log (docs/formats/control_log.md);
// what raylets tell of their stores does not.
// Threading: values.
#ifndef MOBULA_BASE_CONTROL_OBJECT_RECORDS_H_
#define MOBULA_BASE_CONTROL_OBJECT_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace mobula::base {

// Of one object in one node's store: each run of its task may have left an
// extent there, of which some are on disk.
struct ObjectCopies {
  std::uint64_t byte_count = 0;  // of all of them
  std::uint32_t extents = 1;
  std::uint32_t spilled = 0;  // of them
};

// As its raylet tells it.
struct ObjectAt {
  ObjectId object;
  ProcessId owner;
  JobId job;  // of the owner
  ObjectCopies copies;
  // Published values that share its bytes, and have a name or ask for one; at
  // most kKeptToldMax.
  std::vector<ObjectId> kept;
};

// As the control store tells it.
struct ObjectPlace {
  NodeId node;
  ObjectCopies copies;
};
struct ObjectRecord {
  ObjectId object;
  ProcessId owner;
  JobId job;
  std::vector<ObjectPlace> places;  // at least one
  std::vector<ObjectId> kept;       // published values that share its bytes
};

// The most entries of one NodeObjects.
inline constexpr std::size_t kObjectsToldMax = 10'000;
// The most published values of one of them.
inline constexpr std::size_t kKeptToldMax = 64;

// A value with a name. Its bytes are in the record, or a node keeps them, or
// they are lost: exactly one of the three.
struct PublishedRecord {
  std::string ns;
  std::string name;
  std::string type;   // as a person reads it: "std::vector<int>"
  Bytes value;        // encoded
  ObjectId object;    // under which its node's raylet owns it
  NodeId node;        // that keeps it; nil: none does
  std::string cause;  // of its loss, "" if it is there
  std::uint64_t byte_count = 0;
  JobId job;  // that published it
  std::int64_t since_ms = 0;
};

// A record holds at most this many bytes of a value: larger ones are kept by a
// node, or not at all.
inline constexpr std::size_t kDurableBytesMax = std::size_t{4} << 20;

inline std::string TooLargeToPublish(std::uint64_t byte_count,
                                     std::uint64_t bytes_max) {
  return "the value has " + std::to_string(byte_count) +
         " bytes; the control store keeps at most " +
         std::to_string(bytes_max) + " of one";
}

}  // namespace mobula::base

#endif  // MOBULA_BASE_CONTROL_OBJECT_RECORDS_H_
