#include "base/security/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <utility>

#include "base/error_text.h"
#include "base/log.h"
#include "base/security/secret_file.h"

namespace mobula::base {
namespace {

constexpr std::size_t kFieldBytesMax = 512;

std::string Quoted(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text.substr(0, kFieldBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte >= 0x7f) {  // also what is no UTF-8
      quoted += "\\u00";
      quoted += kDigits[byte >> 4];
      quoted += kDigits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Time(std::int64_t at_s) {
  const std::time_t seconds = at_s;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size =
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, size);
}

std::string Line(const AuditEntry& entry) {
  return "{\"at\":" + Quoted(Time(entry.at_s)) +
         ",\"allow\":" + (entry.allowed ? "true" : "false") +
         ",\"what\":" + Quoted(entry.what) + ",\"from\":" + Quoted(entry.from) +
         ",\"detail\":" + Quoted(entry.detail) + "}\n";
}

}  // namespace

std::unique_ptr<AuditLog> AuditLog::Open(const std::string& path,
                                         Options options, std::string* error) {
  std::unique_ptr<AuditLog> log(new AuditLog(path, options));
  return log->OpenFile(error) ? std::move(log) : nullptr;
}

bool AuditLog::OpenFile(std::string* error) {
  file_.Reset(::open(
      path_.c_str(),
      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
      0600));
  if (!file_.valid()) {
    *error = WithErrorText("cannot write " + path_);
    return false;
  }
  *error = WrongWithSecretFile(path_);
  struct stat stat{};
  if (::fstat(file_.get(), &stat) == 0) {
    size_ = static_cast<std::size_t>(stat.st_size);
  }
  return error->empty();
}

void AuditLog::Write(const AuditEntry& entry) {
  if (!entry.allowed) {
    if (entry.at_s != second_) {
      second_ = entry.at_s;
      refused_ = 0;
    }
    if (++refused_ > options_.refused_per_s_max) {
      ++left_out_;
      return;
    }
  }
  if (left_out_ > 0 && refused_ <= 1) {
    Append(Line({entry.at_s, false, "refused", "",
                 std::to_string(std::exchange(left_out_, 0)) +
                     " more were refused before this"}));
  }
  Append(Line(entry));
}

void AuditLog::Append(const std::string& line) {
  if (size_ + line.size() > options_.file_bytes_max) Rotate();
  const ssize_t count = ::write(file_.get(), line.data(), line.size());
  if (count == static_cast<ssize_t>(line.size())) {
    size_ += line.size();
    return;
  }
  if (std::exchange(complained_, true)) return;
  MOBULA_LOG(ERROR) << "what is audited cannot be written to " << path_ << ": "
                    << ErrorText();
}

void AuditLog::Rotate() {
  for (int i = options_.files_max - 1; i >= 1; --i) {
    const std::string older =
        i == 1 ? path_ : path_ + "." + std::to_string(i - 1);
    ::rename(older.c_str(), (path_ + "." + std::to_string(i)).c_str());
  }
  std::string error;
  if (!OpenFile(&error)) MOBULA_LOG(ERROR) << error;
}

}  // namespace mobula::base
