// WalkFolder lists the files of a folder and all folders in it, in the byte
// order of their paths, the same on every run.
//
// Symbolic links: one to a file outside the folder is listed under its own
// path; one to a file inside is met anyway, and one to a folder could lead
// round in a circle or out to the whole machine: both are counted and passed
// over. Sockets, pipes and devices are passed over.
// Threading: any thread.
// Failure: what cannot be looked at is in `problems`; never an exception but
// for lack of memory.
#ifndef MOBULA_EXAMPLES_INDEX_WALK_H_
#define MOBULA_EXAMPLES_INDEX_WALK_H_

#include <cstdint>
#include <string>
#include <vector>

namespace indexer {

struct FoundFile {
  std::string path;
  std::uint64_t size_bytes = 0;
};

struct NamedProblem {
  std::string path;
  std::string reason;
};

struct Walk {
  std::string root;  // absolute, without links
  std::vector<FoundFile> files;
  std::vector<NamedProblem> problems;
  std::size_t links_passed = 0;
};

// `root` may be a file: then it is the only one.
Walk WalkFolder(const std::string& root);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_WALK_H_
