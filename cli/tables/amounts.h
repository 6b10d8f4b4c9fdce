// Amounts as people read them: sizes, ages, counts.
//
//   ShowBytes(16'106'127'360)  "15.0 GiB"      ShowAge(8'000'000) "2h13m"
//   ShowCount(1234567)         "1,234,567"     ShowQuantity(25'000) "2.5"
// Threading: pure functions.
#ifndef MOBULA_CLI_TABLES_AMOUNTS_H_
#define MOBULA_CLI_TABLES_AMOUNTS_H_

#include <cstdint>
#include <string>

#include "base/scheduling/resource_vector.h"

namespace mobula::cli {

std::string ShowBytes(std::int64_t bytes);
std::string ShowAge(std::int64_t ms);
std::string ShowCount(std::uint64_t count);
// Of 1/ResourceVector::kUnit; no zeros at the end.
std::string ShowQuantity(std::int64_t units);
// "cpu 2, gpu 1, memory 4.0 GiB"; "" for nothing.
std::string ShowResources(const base::ResourceVector& resources);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_AMOUNTS_H_
