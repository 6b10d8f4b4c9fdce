#include "cli/memory/memory_view.h"

namespace mobula::cli {

const char* NameOf(Why why) {
  switch (why) {
    case Why::kHandle:
      return "handle";
    case Why::kActorState:
      return "actor state";
    case Why::kArgument:
      return "argument of a call";
    case Why::kConstructor:
      return "argument of a constructor";
    case Why::kRunning:
      return "argument of what runs";
    case Why::kInside:
      return "inside a value";
    case Why::kHanded:
      return "on its way";
    case Why::kRemaking:
      return "being made again";
    case Why::kLent:
      return "lent";
    case Why::kName:
      return "published";
  }
  return "";
}

const char* NameOf(Where where) {
  switch (where) {
    case Where::kNowhere:
      return "nowhere";
    case Where::kInline:
      return "inline";
    case Where::kStore:
      return "store";
    case Where::kSpilled:
      return "spilled";
  }
  return "";
}

const char* NameOf(State state) {
  switch (state) {
    case State::kPending:
      return "pending";
    case State::kReady:
      return "ready";
    case State::kFailed:
      return "failed";
    case State::kUnknown:
      return "unknown";
  }
  return "";
}

}  // namespace mobula::cli
