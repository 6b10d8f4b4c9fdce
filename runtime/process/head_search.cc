#include "runtime/process/head_search.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <string_view>

namespace mobula::runtime {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// "/a/b" of "/a/b/c"; "" where there is no folder.
std::string_view FolderOf(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  return slash == std::string_view::npos ? std::string_view()
                                         : file.substr(0, slash);
}

// "/x/bazel-out/k8-opt/bin" of a file below it, else "".
std::string_view BazelBinOf(std::string_view file) {
  const std::size_t out = file.rfind("/bazel-out/");
  if (out == std::string_view::npos) return {};
  const std::size_t bin = file.find("/bin/", out + 1);
  if (bin == std::string_view::npos) return {};
  return file.substr(0, bin + 4);
}

bool IsProgram(const std::string& file) {
  struct stat info{};
  return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(file.c_str(), X_OK) == 0;
}

class Candidates {
 public:
  void Add(std::string_view folder, std::string_view rest) {
    if (folder.empty() || folder.front() != '/') return;
    std::string file(folder);
    if (file.back() != '/') file += '/';
    file += rest;
    if (std::find(files_.begin(), files_.end(), file) == files_.end()) {
      files_.push_back(std::move(file));
    }
  }
  std::vector<std::string> Take() { return std::move(files_); }

 private:
  std::vector<std::string> files_;
};

}  // namespace

HeadPlaces PlacesOfThisProcess() {
  HeadPlaces places;
  places.home = FromEnvironment("MOBULA_HOME");
  places.runfiles = FromEnvironment("RUNFILES_DIR");
  places.path = FromEnvironment("PATH");
  char buffer[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", buffer, sizeof(buffer));
  if (length > 0) {
    places.executable.assign(buffer, static_cast<std::size_t>(length));
  }
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&PlacesOfThisProcess), &info) != 0 &&
      info.dli_fname != nullptr && ::realpath(info.dli_fname, buffer)) {
    places.library = buffer;
  }
  return places;
}

std::vector<std::string> HeadCandidates(const HeadPlaces& places) {
  Candidates files;
  files.Add(places.home, "bin/mobula");
  files.Add(places.home, "mobula");
  files.Add(places.runfiles, "mobula/cli/mobula");
  if (!places.executable.empty()) {
    files.Add(places.executable + ".runfiles", "mobula/cli/mobula");
  }
  files.Add(BazelBinOf(places.executable), "cli/mobula");
  files.Add(BazelBinOf(places.library), "cli/mobula");
  for (const std::string* file : {&places.library, &places.executable}) {
    const std::string_view folder = FolderOf(*file);
    files.Add(folder, "mobula");
    files.Add(FolderOf(folder), "bin/mobula");
  }
  std::string_view rest = places.path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    files.Add(rest.substr(0, colon), "mobula");
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return files.Take();
}

FoundHead FindHead(const HeadPlaces& places) {
  FoundHead found;
  for (std::string& file : HeadCandidates(places)) {
    const bool is_program = IsProgram(file);
    found.looked.push_back(file);
    if (!is_program) continue;
    found.program = std::move(file);
    break;
  }
  return found;
}

}  // namespace mobula::runtime
