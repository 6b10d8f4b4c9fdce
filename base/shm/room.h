// Room is a place in the node's store that its writer may fill: until it has
// handed the Value that is stored there on, or has given the place back.
// Threading: a value; the bytes are the writer's alone.
#ifndef MOBULA_BASE_SHM_ROOM_H_
#define MOBULA_BASE_SHM_ROOM_H_

#include <span>

#include "base/value.h"

namespace mobula::base {

struct Room {
  Extent extent;
  std::span<char> bytes;  // aligned to 64; not nought
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SHM_ROOM_H_
