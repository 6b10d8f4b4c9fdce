#include "cli/cluster/spec_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/error_text.h"
#include "base/security/secret_file.h"
#include "base/unique_fd.h"

namespace mobula::cli {
namespace {

std::string Lines(const std::string& path,
                  const std::vector<SpecError>& errors) {
  std::string all;
  for (const SpecError& error : errors) {
    if (!all.empty()) all += "\n";
    all += path + ":" + std::to_string(error.line) + ": " + error.what;
  }
  return all;
}

// At most one byte more than may be. False with errno.
bool ReadText(const std::string& path, std::string* text) {
  const base::UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat stat;
  if (!fd.valid() || ::fstat(fd.get(), &stat) != 0) return false;
  if (S_ISDIR(stat.st_mode)) {
    errno = EISDIR;
    return false;
  }
  text->resize(kSpecBytesMax + 1);
  std::size_t size = 0;
  while (size < text->size()) {
    const ssize_t n =
        ::read(fd.get(), text->data() + size, text->size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  text->resize(size);
  return true;
}

SpecSurroundings AroundOf(const std::string& path) {
  const char* const home = std::getenv("HOME");
  return {std::filesystem::path(path).parent_path(),
          home != nullptr && home[0] == '/' ? home : ""};
}

// "" if it is there as it should be.
std::string WrongWith(const NeededPath& needed) {
  if (::access(needed.path.c_str(), R_OK) != 0) {
    return needed.what + " " + needed.path + ": " + base::ErrorText();
  }
  if (!needed.is_secret) return "";
  const std::string wrong = base::WrongWithSecretFile(needed.path);
  return wrong.empty() ? "" : needed.what + ": " + wrong;
}

}  // namespace

std::optional<SpecFile> ReadSpecFile(const std::string& path,
                                     std::string* error) {
  SpecFile file;
  std::error_code code;
  file.path = std::filesystem::absolute(path, code).lexically_normal();
  if (!ReadText(file.path, &file.text)) {
    *error = base::WithErrorText("cannot read " + path);
    return std::nullopt;
  }
  std::vector<SpecError> errors;
  auto spec = ParseClusterSpec(file.text, AroundOf(file.path), &errors);
  if (spec) {
    for (const NeededPath& needed : spec->needed) {
      const std::string wrong = WrongWith(needed);
      if (!wrong.empty()) errors.push_back({needed.line, wrong});
    }
  }
  if (!errors.empty()) {
    *error = Lines(path, errors);
    return std::nullopt;
  }
  file.spec = *std::move(spec);
  return file;
}

std::optional<ClusterSpec> ParseAgain(const std::string& path,
                                      const std::string& text,
                                      std::string* error) {
  std::vector<SpecError> errors;
  auto spec = ParseClusterSpec(text, AroundOf(path), &errors);
  if (!spec) *error = Lines(path, errors);
  return spec;
}

}  // namespace mobula::cli
