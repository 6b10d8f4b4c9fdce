// Blocks is the first stage: a text, in blocks of whole lines.
//
//   for (const std::string& block : Blocks(Source{"a.txt", 0, 0})) ...
//   mobula::RefStream<std::string> blocks = mobula::Spawn<Blocks>(source);
//
// Without a file the text is made up: so many lines, which follow from the
// seed. Threading: a generator is its owner's. Failure: std::runtime_error
// names a file that cannot be read.
#ifndef MOBULA_EXAMPLES_PIPELINE_TEXT_H_
#define MOBULA_EXAMPLES_PIPELINE_TEXT_H_

#include <mobula/mobula.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace pipeline {

inline constexpr std::size_t kBlockBytes = 32 << 10;

struct Source {
  std::string file;  // "": made up
  std::uint64_t lines = 0;
  std::uint64_t seed = 1;
};

mobula::Generator<std::string> Blocks(Source source);

}  // namespace pipeline

#endif  // MOBULA_EXAMPLES_PIPELINE_TEXT_H_
