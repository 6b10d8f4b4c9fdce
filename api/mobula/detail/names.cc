#include "api/mobula/detail/names.h"

#include "api/mobula/error.h"
#include "base/control/control_codec.h"

namespace mobula::detail {

void CheckName(std::string_view setter, const std::string& name) {
  const std::string wrong = base::WrongWithName(name);
  if (wrong.empty()) return;
  ThrowBadArgument(std::string(setter) + "(\"" + name + "\"): " + wrong);
}

}  // namespace mobula::detail
