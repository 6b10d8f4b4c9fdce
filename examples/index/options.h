// Options are what the command line of the index says.
// Threading: values.
#ifndef MOBULA_EXAMPLES_INDEX_OPTIONS_H_
#define MOBULA_EXAMPLES_INDEX_OPTIONS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace indexer {

struct Options {
  std::string folder = "/usr/share/doc";
  std::string query;          // the words after the folder
  std::uint32_t workers = 0;  // 0: as many as the machine has processors
  std::uint32_t shards = 4;
  bool verify = false;
  bool names_all = false;  // every file that was left out, not the first few
  // Chaos: kill one of our own processes every so often, or so many in all.
  std::chrono::milliseconds kill_every{0};
  std::uint32_t kills = 0;
  std::uint64_t seed = 1;
  bool is_local = false;  // --mobula-local: everything in this process
  bool help = false;
};

inline constexpr std::uint32_t kWorkersMax = 1024;
inline constexpr std::uint32_t kShardsMax = 1024;

// Reads the arguments after the program's name. False, and what is wrong, if
// they make no sense. --mobula-... are Init's and passed over.
bool ParseOptions(const std::vector<std::string>& arguments, Options* options,
                  std::string* error);

// How the program is used, several lines.
std::string Usage();

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_OPTIONS_H_
