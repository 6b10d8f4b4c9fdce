// ReadText reads a file as text, unpacking gzip, or says why it is none.
//
// What counts is the content, not the name: gzip is known by its first bytes,
// a binary file by a NUL byte or many control characters.
// Threading: any thread.   Bound: the text, unpacked, is at most `bytes_max`.
// Failure: a Problem and a reason for people; never an exception but for lack
// of memory. Nothing that is not a regular file is waited for.
#ifndef MOBULA_EXAMPLES_INDEX_READ_FILE_H_
#define MOBULA_EXAMPLES_INDEX_READ_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace indexer {

enum class Problem : std::uint8_t {
  kNone,
  kUnreadable,  // gone, no permission, no regular file, an error of the disk
  kDamaged,     // gzip that does not unpack
  kBinary,
  kTooLarge,
};

// "binary"
std::string_view ProblemName(Problem problem);

struct FileText {
  std::string text;  // empty if there is a problem
  Problem problem = Problem::kNone;
  std::string reason;
};

inline constexpr std::size_t kTextBytesMax = std::size_t{64} << 20;

FileText ReadText(const std::string& path,
                  std::size_t bytes_max = kTextBytesMax);

// Whether the bytes are no text.
bool IsBinary(std::string_view bytes);

}  // namespace indexer

#endif  // MOBULA_EXAMPLES_INDEX_READ_FILE_H_
