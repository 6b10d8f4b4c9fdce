#include "cli/tools/log_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/unique_fd.h"

namespace mobula::cli {
namespace {

using base::UniqueFd;

// Lines that take more than this are not looked for any further back.
constexpr off_t kTailBytesMax = off_t{4} << 20;

std::string NameOf(const std::string& file) {
  return std::filesystem::path(file).filename();
}

// Whether `number` stands in `text` with no digit beside it.
bool HasNumber(std::string_view text, const std::string& number) {
  const auto digit = [&text](std::size_t at) {
    return at < text.size() &&
           std::isdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  for (std::size_t at = text.find(number); at != std::string_view::npos;
       at = text.find(number, at + 1)) {
    const bool before = at > 0 && digit(at - 1);
    if (!before && !digit(at + number.size())) return true;
  }
  return false;
}

void AddLogs(const std::filesystem::path& folder,
             std::vector<std::string>* files) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string extension = entry.path().extension();
    const bool is_log =
        extension == ".log" || extension == ".out" || extension == ".err";
    if (is_log && entry.is_regular_file(code)) files->push_back(entry.path());
  }
}

}  // namespace

std::vector<std::string> LogFiles(const std::string& folder) {
  std::vector<std::string> files;
  AddLogs(folder, &files);
  AddLogs(folder + "/logs", &files);
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> LogFilesOf(const std::vector<std::string>& files,
                                    const std::string& which) {
  const bool is_number =
      which.find_first_not_of("0123456789") == std::string::npos;
  std::vector<std::string> found;
  for (const std::string& file : files) {
    const std::string name = NameOf(file);
    if (name == which + ".log" || (is_number && HasNumber(name, which))) {
      found.push_back(file);
    }
  }
  return found;
}

Tail ReadTail(const std::string& file, int lines) {
  Tail tail;
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const off_t size = fd.valid() ? ::lseek(fd.get(), 0, SEEK_END) : 0;
  const off_t from = std::max<off_t>(0, size - kTailBytesMax);
  std::string text(static_cast<std::size_t>(size - from), '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), from);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  tail.end = from + static_cast<off_t>(text.size());
  std::size_t start = text.size();
  for (int left = lines; left > 0 && start > 0; --left) {
    const std::size_t before =
        start >= 2 ? text.rfind('\n', start - 2) : std::string::npos;
    start = before == std::string::npos ? 0 : before + 1;
  }
  tail.text = text.substr(start);
  return tail;
}

}  // namespace mobula::cli
