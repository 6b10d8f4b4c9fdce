// Functions by their addresses, as a person reads them: from the symbol tables
// of the program and its libraries, also of what they do not export.
//
//   NameOfFunction(address)    "Fetch(std::string)", or "hello+0x1234"
//   NameOfCoroutine(resume)    the same of the function that a coroutine is
// A stripped program has no names: then it is the module and the offset, for
// addr2line.
// Threading: any; slow at first (reads the table of a module). Not for signal
// handlers.
#ifndef MOBULA_RUNTIME_DEBUG_SYMBOL_NAMES_H_
#define MOBULA_RUNTIME_DEBUG_SYMBOL_NAMES_H_

#include <string>
#include <string_view>

namespace mobula::runtime {

[[nodiscard]] std::string NameOfFunction(const void* address);

// Where a coroutine that is suspended goes on: the first word of its frame, as
// GCC and clang lay it out. Null where it has ended.
[[nodiscard]] const void* ResumeOf(const void* frame);
[[nodiscard]] std::string NameOfCoroutine(const void* resume);

// Of the symbol of what a compiler makes of a coroutine: "_Z5FetchiPZ5FetchiE..
// 9_Z5Fetchi.Frame.actor", "_Z5Fetchi.resume".
[[nodiscard]] std::string CoroutineOfSymbol(std::string_view symbol);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_DEBUG_SYMBOL_NAMES_H_
