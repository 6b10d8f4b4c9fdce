// Keys of functions: how two processes know that they mean the same one.
//
//   external linkage   "<mangled RemoteFunction>|<mangled signature>": the same
//                      in every build of every program that has the function
//   lambdas, static    "<module's build id>+<offset of the registry
//   entry>|...": functions, ...     the same in every process of one build only
//
// The id on the wire is a 128-bit hash of the key: two FNV-1a hashes with
// different bases, each finished by MurmurHash3's 64-bit mixer. It guards
// against accident, not against malice; clashes are refused at start.
// Threading: pure, but for reading the list of loaded modules and, for a module
// without a build id, its file.
#ifndef MOBULA_API_MOBULA_DETAIL_FUNCTION_KEY_H_
#define MOBULA_API_MOBULA_DETAIL_FUNCTION_KEY_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace mobula::detail {

// Whether the mangled name mentions something that other files or programs may
// have under the same name: static, of an unnamed namespace, a lambda, an
// unnamed type. In doubt (rare forms of template arguments) it says so.
bool HasLocalName(std::string_view mangled);

// "<build id in hex>+<offset in hex>" of a place in a loaded module; "file:"
// and a hash of the module's file where it has no build id.
std::string ModulePlace(const void* place);

// The bytes of the build id in a PT_NOTE segment, empty if it holds none.
// `alignment` is the segment's; anything but 8 counts as 4.
std::span<const unsigned char> FindBuildId(std::span<const unsigned char> notes,
                                           std::size_t alignment);

base::FunctionId HashKey(std::string_view key);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_FUNCTION_KEY_H_
