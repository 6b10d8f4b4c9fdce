#include "tests/machines/texts.h"

#include <filesystem>
#include <fstream>
#include <random>

namespace mobula::test {
namespace {

void WriteText(const std::string& path, std::mt19937& chance) {
  std::ofstream file(path);
  std::string word;
  for (int i = 0; i < 3500; ++i) {
    // Few common words, many rare ones.
    const unsigned rank = chance() % (1U + chance() % 20'000U);
    word.clear();
    for (unsigned rest = rank + 26; rest > 0; rest /= 26) {
      word += static_cast<char>('a' + rest % 26);
    }
    file << word << (i % 12 == 11 ? '\n' : ' ');
  }
}

}  // namespace

void WriteTexts(const std::string& folder, int megabytes) {
  std::filesystem::create_directories(folder);
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  std::mt19937 chance(7);
  for (int i = 0; i < megabytes * 50; ++i) {
    WriteText(folder + "/" + std::to_string(i) + ".txt", chance);
  }
}

}  // namespace mobula::test
