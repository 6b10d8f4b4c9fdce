#include "examples/index/walk.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace indexer {
namespace {

namespace fs = std::filesystem;

class Walker {
 public:
  explicit Walker(Walk* walk) : walk_(*walk) {}

  void Run() {
    std::vector<std::string> folders = {walk_.root};
    while (!folders.empty()) {
      const std::string folder = std::move(folders.back());
      folders.pop_back();
      for (const std::string& path : List(folder)) Look(path, &folders);
    }
    const auto by_path = [](const auto& a, const auto& b) {
      return a.path < b.path;
    };
    std::sort(walk_.files.begin(), walk_.files.end(), by_path);
    std::sort(walk_.problems.begin(), walk_.problems.end(), by_path);
  }

 private:
  std::vector<std::string> List(const std::string& folder) {
    std::vector<std::string> paths;
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    while (!error && entry != fs::directory_iterator()) {
      paths.push_back(entry->path().native());
      entry.increment(error);
    }
    if (error) Complain(folder, error);
    return paths;
  }

  void Look(const std::string& path, std::vector<std::string>* folders) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (error) return Complain(path, error);
    if (fs::is_directory(status)) {
      folders->push_back(path);
    } else if (fs::is_regular_file(status)) {
      Add(path);
    } else if (fs::is_symlink(status)) {
      LookAtLink(path);
    }
  }

  void LookAtLink(const std::string& path) {
    std::error_code error;
    const std::string target = fs::canonical(path, error).native();
    if (error) return Complain(path, error);
    const bool is_inside = target.starts_with(
        walk_.root.ends_with('/') ? walk_.root : walk_.root + '/');
    if (!is_inside && fs::is_regular_file(target, error)) {
      Add(path);
    } else {
      ++walk_.links_passed;
    }
  }

  void Add(const std::string& path) {
    std::error_code error;
    const std::uintmax_t size_bytes = fs::file_size(path, error);
    if (error) return Complain(path, error);
    walk_.files.push_back({path, size_bytes});
  }

  void Complain(const std::string& path, const std::error_code& error) {
    walk_.problems.push_back({path, error.message()});
  }

  Walk& walk_;
};

}  // namespace

Walk WalkFolder(const std::string& root) {
  Walk walk;
  std::error_code error;
  walk.root = fs::canonical(root, error).native();
  if (error) {
    walk.root = root;
    walk.problems.push_back({root, error.message()});
  } else if (fs::is_directory(walk.root, error)) {
    Walker(&walk).Run();
  } else {
    const std::uintmax_t size_bytes = fs::file_size(walk.root, error);
    walk.files.push_back({walk.root, error ? 0 : size_bytes});
  }
  return walk;
}

}  // namespace indexer
