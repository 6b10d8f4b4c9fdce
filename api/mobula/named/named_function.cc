#include "api/mobula/named/named_function.h"

#include <string>

#include "api/mobula/detail/function_key.h"
#include "api/mobula/error.h"

namespace mobula::detail {
namespace {

base::FunctionEntry Entry(std::string_view name) {
  base::FunctionEntry entry;
  // No mangled name begins so.
  entry.key = "name:" + std::string(name);
  entry.id = HashKey(entry.key);
  entry.name = name;
  return entry;
}

}  // namespace

base::FunctionEntry NamedEntry(std::string_view name) {
  if (!IsStableName(name)) {
    ThrowBadArgument(
        "a function's name is 1 to 256 bytes long, without control characters");
  }
  base::FunctionEntry entry = Entry(name);
  entry.named_function = name;
  return entry;
}

NamedRegistration::NamedRegistration(std::string_view name,
                                     std::string_view function,
                                     base::Invoker run,
                                     const std::type_info* actor_class) {
  // Never freed: exit may still look it up.
  auto* const entry = new base::FunctionEntry(Entry(name));
  entry->invoke = run;
  entry->named_function = function;
  entry->actor_class = actor_class;
  base::FunctionTable::Get().Register(entry);
}

NamedRegistration::NamedRegistration(std::string_view name,
                                     std::string_view function,
                                     base::Beginner run,
                                     const std::type_info* actor_class) {
  // Never freed: exit may still look it up.
  auto* const entry = new base::FunctionEntry(Entry(name));
  entry->begin = run;
  entry->named_function = function;
  entry->actor_class = actor_class;
  base::FunctionTable::Get().Register(entry);
}

}  // namespace mobula::detail
