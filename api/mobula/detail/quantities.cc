#include "api/mobula/detail/quantities.h"

#include <array>
#include <charconv>
#include <string>

#include "api/mobula/error.h"
#include "base/control/control_codec.h"

namespace mobula::detail {
namespace {

constexpr double kCpusMax = 1e6;
constexpr double kQuantityMax = 9e14;

}  // namespace

std::string NumberText(double number) {
  std::array<char, 400> text{};  // the greatest double has 309 digits
  const auto result = std::to_chars(text.data(), text.data() + text.size(),
                                    number, std::chars_format::fixed);
  return std::string(text.data(), result.ptr);
}

int CheckedCount(std::string_view what, int value) {
  if (value < -1) {
    ThrowBadArgument(std::string(what) + "(" + std::to_string(value) +
                     "): 0 or more, or -1 for no limit");
  }
  return value;
}

double CheckedQuantity(std::string_view name, double quantity) {
  if (name.empty()) ThrowBadArgument("a resource needs a name");
  const double most = name == "cpu" ? kCpusMax : kQuantityMax;
  // Written so that not-a-number is refused too.
  if (!(quantity >= 0 && quantity <= most)) {
    ThrowBadArgument("resource " + std::string(name) + " = " +
                     NumberText(quantity) + ": 0 to " + NumberText(most) +
                     " can be asked for");
  }
  return quantity;
}

void CheckName(std::string_view setter, const std::string& name) {
  const std::string wrong = base::WrongWithName(name);
  if (wrong.empty()) return;
  ThrowBadArgument(std::string(setter) + "(\"" + name + "\"): " + wrong);
}

void SetResource(std::string_view name, double quantity,
                 base::ResourceVector* resources) {
  *resources = resources->With(name, CheckedQuantity(name, quantity));
}

}  // namespace mobula::detail
