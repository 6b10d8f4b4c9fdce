// Files that hold secrets (keys, tokens): made for their owner alone, and read
// only if that is so.
//
//   std::string error;
//   if (!WriteSecretFile("/.../node.pem", pem, &error)) ...
//   const auto pem = ReadSecretFile("/.../node.pem", 64 << 10, &error);
// A file is 0600 or less and this user's, a folder 0700 or less; a link is
// followed by neither. Writing replaces the whole file: a reader, and whoever
// comes after a crash, sees the old one or the new one.
// Threading: any; two writers of one path must be one after the other.
// Failure: nothing or false, and a sentence that says what to do.
#ifndef MOBULA_BASE_SECURITY_SECRET_FILE_H_
#define MOBULA_BASE_SECURITY_SECRET_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::base {

// The whole file; at most `bytes_max`, and not empty.
std::optional<std::string> ReadSecretFile(const std::string& path,
                                          std::size_t bytes_max,
                                          std::string* error);
// On the disk when it returns.
[[nodiscard]] bool WriteSecretFile(const std::string& path,
                                   std::string_view bytes, std::string* error);
// Makes it, with the folders above it, where it is absent.
[[nodiscard]] bool MakeSecretFolder(const std::string& path,
                                    std::string* error);

// Why this is no place for secrets, "" if it is one; also for the doctor.
std::string WrongWithSecretFile(const std::string& path);
std::string WrongWithSecretFolder(const std::string& path);

}  // namespace mobula::base

#endif  // MOBULA_BASE_SECURITY_SECRET_FILE_H_
