// Where this program's embedded head, the `mobula` program, may lie.
//
// In this order: MOBULA_HOME; the runfiles of a Bazel run and the bazel-bin
// tree that holds the executable; beside the library and the executable; PATH.
// Threading: any. Pure but for PlacesOfThisProcess and FindHead.
#ifndef MOBULA_RUNTIME_PROCESS_HEAD_SEARCH_H_
#define MOBULA_RUNTIME_PROCESS_HEAD_SEARCH_H_

#include <string>
#include <vector>

namespace mobula::runtime {

// What the search starts from; "" is absent.
struct HeadPlaces {
  std::string home;        // MOBULA_HOME
  std::string runfiles;    // RUNFILES_DIR
  std::string executable;  // absolute
  std::string library;     // the file that holds this very code, absolute
  std::string path;        // PATH
};

[[nodiscard]] HeadPlaces PlacesOfThisProcess();

// Files to try, in order, none twice. Only absolute ones: a relative entry of
// PATH would run what lies in the current folder.
[[nodiscard]] std::vector<std::string> HeadCandidates(const HeadPlaces& places);

struct FoundHead {
  std::string program;              // "" if nowhere
  std::vector<std::string> looked;  // up to and with `program`
};

// The first candidate that is an executable file.
[[nodiscard]] FoundHead FindHead(const HeadPlaces& places);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_HEAD_SEARCH_H_
