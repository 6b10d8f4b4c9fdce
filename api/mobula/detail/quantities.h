// Checks of numbers and names that users give, and numbers' text. Not for
// users.
// Threading: pure.   Failure: BadArgument, naming the number or name.
#ifndef MOBULA_API_MOBULA_DETAIL_QUANTITIES_H_
#define MOBULA_API_MOBULA_DETAIL_QUANTITIES_H_

#include <string>
#include <string_view>

#include "base/scheduling/resource_vector.h"

namespace mobula::detail {

// As short as it can be said exactly: "0.02", "1000000".
std::string NumberText(double number);

// `value`, if it is 0 or more or -1 for "no limit".
int CheckedCount(std::string_view what, int value);

// `quantity`, if such an amount of `name` can exist.
double CheckedQuantity(std::string_view name, double quantity);

// `setter`: which option was given the name.
void CheckName(std::string_view setter, const std::string& name);

void SetResource(std::string_view name, double quantity,
                 base::ResourceVector* resources);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_DETAIL_QUANTITIES_H_
