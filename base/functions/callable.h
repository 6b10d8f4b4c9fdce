// What a call asks a program to run: FindCallable finds it in the program's
// table, Misplaced says whether it can run where it is asked for.
//
//   const FunctionEntry* entry = nullptr;
//   if (auto failure = FindCallable(table, {run.function, run.called}, &entry))
//     return *failure;
//   if (auto failure = Misplaced(*entry, nullptr)) return *failure;
//
// Threading: as the table's.
// Failure: kNoSuchFunction, of what has certainly not run.
#ifndef MOBULA_BASE_FUNCTIONS_CALLABLE_H_
#define MOBULA_BASE_FUNCTIONS_CALLABLE_H_

#include <optional>
#include <string_view>

#include "base/failure.h"
#include "base/function_table.h"
#include "base/ids.h"

namespace mobula::base {

struct CallTarget {
  FunctionId function;
  std::string_view called;  // the stable name by which, "" if by its key
};

// Fails where nothing has that key or name, and lists names that are near.
std::optional<Failure> FindCallable(const FunctionTable& table,
                                    const CallTarget& target,
                                    const FunctionEntry** entry);

// Fails where a method is asked for as a task, or on an actor that another
// class's constructor made, or a plain function on an actor. `constructor`:
// null for a task.
std::optional<Failure> Misplaced(const FunctionEntry& entry,
                                 const FunctionEntry* constructor);

}  // namespace mobula::base

#endif  // MOBULA_BASE_FUNCTIONS_CALLABLE_H_
