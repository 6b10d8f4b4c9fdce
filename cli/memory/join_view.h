// ViewOf joins what the raylet and the processes of a node say of objects.
//
//   MemoryView view = ViewOf(report, names);
//   for (const ObjectEntry& entry : view.objects) ...   // the largest first
// Each says what it knew when it was asked, so what was on its way between two
// processes may be missing at both. In doubt an object is taken to be held, and
// bytes to be claimed.
// A cycle is of objects whose values mention one another and of actors that
// have handles of one another; what is kept by cycles alone, through values,
// the state of actors and the arguments of their constructors, is said too.
// Threading: pure.
#ifndef MOBULA_CLI_MEMORY_JOIN_VIEW_H_
#define MOBULA_CLI_MEMORY_JOIN_VIEW_H_

#include <map>
#include <string>

#include "base/ids.h"
#include "cli/memory/memory_view.h"

namespace mobula::cli {

MemoryView ViewOf(const MemoryReport& report,
                  const std::map<base::ActorId, std::string>& actor_names);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_MEMORY_JOIN_VIEW_H_
