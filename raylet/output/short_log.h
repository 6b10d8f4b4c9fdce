// KeepLogShort bounds a log to which several processes append, each through a
// descriptor of its own that it has inherited: none of them can be told to open
// another file.
//
//   KeepLogShort(STDERR_FILENO, folder + "/keeper.log", 4 << 20);
//
// What is there goes to PATH.1, in place of what was there, and the log begins
// anew; a line that is written in between is lost.
// Threading: any; one caller at a time.
// Failure: what cannot be copied is lost; what is no file, or was not opened
// for appending by all, is left alone.
#ifndef MOBULA_RAYLET_OUTPUT_SHORT_LOG_H_
#define MOBULA_RAYLET_OUTPUT_SHORT_LOG_H_

#include <cstdint>
#include <string>

namespace mobula::raylet {

// `fd` is the log's, open for writing. Whether it was over the limit.
bool KeepLogShort(int fd, const std::string& path, std::int64_t bytes_max);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_OUTPUT_SHORT_LOG_H_
