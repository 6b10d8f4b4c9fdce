// RAY_REMOTE registers functions, factories of actors and methods, so that
// ray::Task, ray::Actor and ActorHandle::Task can be given them; RAY_FUNC
// chooses one of several overloads.
//
//   int Plus(int x, int y);
//   int Sum(int x); int Sum(int x, int y);
//   RAY_REMOTE(Plus, Counter::FactoryCreate, &Counter::Add,
//              RAY_FUNC(Sum, int), RAY_FUNC(Sum, int, int));
//
// It stands at namespace scope, in a source or a header. Each is registered by
// its text, which is its name in errors, and for calls by name. One that is
// registered twice, or two of one name, end the program when it starts, with a
// RayException; unlike Ray's, two RAY_REMOTEs on the same line of two files are
// two.
#ifndef MOBULA_API_COMPAT_RAY_API_RAY_REMOTE_H_
#define MOBULA_API_COMPAT_RAY_API_RAY_REMOTE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/compat/ray/api/remote_functions.h"
#include "api/compat/ray/internal/overload.h"

namespace ray::internal {

// The arguments of a macro as it was given them: split at the commas that are
// in no bracket, without spaces around.
std::vector<std::string> SplitArguments(std::string_view text);

// Throws where there are not as many names as functions.
void CheckNames(std::string_view text, std::size_t names,
                std::size_t functions);

template <class... F>
int RegisterRemoteFunctions(std::string_view place, std::string_view text,
                            F... functions) {
  const std::vector<std::string> names = SplitArguments(text);
  CheckNames(text, names.size(), sizeof...(F));
  std::size_t index = 0;
  (RemoteFunctions::Instance().RegisterAt(names[index++], place, functions),
   ...);
  return 0;
}

}  // namespace ray::internal

// Ray's ends with a semicolon of its own, and programs leave theirs out. The
// text is taken here, before RAY_FUNC in it is expanded.
#define RAY_REMOTE(...) \
  RAY_REMOTE_AT(__FILE__, __LINE__, __COUNTER__, #__VA_ARGS__, __VA_ARGS__)
#define RAY_REMOTE_AT(file, line, number, text, ...) \
  RAY_REMOTE_NUMBERED(file, line, number, text, __VA_ARGS__)
#define RAY_REMOTE_NUMBERED(file, line, number, text, ...)           \
  [[maybe_unused]] static const int ray_remote_##number =            \
      ::ray::internal::RegisterRemoteFunctions(file ":" #line, text, \
                                               __VA_ARGS__);

#define RAY_FUNC(f, ...) ::ray::internal::underload<__VA_ARGS__>(f)

#endif  // MOBULA_API_COMPAT_RAY_API_RAY_REMOTE_H_
