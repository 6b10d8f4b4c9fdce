// Texts are files of words for the index example, where machines see them.
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_TEXTS_H_
#define MOBULA_TESTS_MACHINES_TEXTS_H_

#include <string>

namespace mobula::test {

// About so much in files of 20 KB, readable for all; seeded.
void WriteTexts(const std::string& folder, int megabytes);

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_TEXTS_H_
