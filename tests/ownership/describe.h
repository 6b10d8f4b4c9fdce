// DescribeMessage says a message in one line, as far as objects are concerned.
// Threading: a pure function.
#ifndef MOBULA_TESTS_OWNERSHIP_DESCRIBE_H_
#define MOBULA_TESTS_OWNERSHIP_DESCRIBE_H_

#include <string>

#include "base/frames/message.h"

namespace mobula::ownership {

std::string DescribeMessage(const base::Message& message);

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_DESCRIBE_H_
