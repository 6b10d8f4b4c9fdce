// Feeds a fuzz target the same inputs in every run: short random ones, and
// mutations of those given as files. It finds what breaks easily, under any
// compiler and sanitizer; the search is libFuzzer's (--config=fuzz).
//
//   program [--inputs=N] [--seed=N] [FILE]...
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

// Bytes that parsers treat as something: ends of ranges, signs, lengths.
constexpr std::uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0x90, 0xc0,
                                   0xc4, 0xd9, 0xdd, 0xdf, 0xe0, 0xff};

class Inputs {
 public:
  explicit Inputs(std::uint64_t seed) : random_(seed) {}

  void Keep(Input input) { kept_.push_back(std::move(input)); }

  Input Next() {
    Input input;
    if (!kept_.empty() && Below(4) != 0) input = kept_[Below(kept_.size())];
    const std::size_t changes = input.empty() ? Below(64) : 1 + Below(8);
    for (std::size_t i = 0; i < changes; ++i) Change(input);
    return input;
  }

 private:
  std::size_t Below(std::size_t limit) { return random_() % limit; }

  std::uint8_t Byte() {
    return Below(2) == 0 ? kEdges[Below(std::size(kEdges))]
                         : static_cast<std::uint8_t>(random_());
  }

  void Change(Input& input) {
    const std::size_t at = Below(input.size() + 1);
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    if (at == input.size() || Below(3) == 0) {
      input.insert(place, Byte());
    } else if (Below(2) == 0) {
      *place = Byte();
    } else if (Below(4) == 0) {
      input.resize(at);
    } else {
      input.erase(place);
    }
  }

  std::mt19937_64 random_;
  std::vector<Input> kept_;
};

Input ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path);
    std::exit(2);
  }
  return Input(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t count = 200'000;
  std::uint64_t seed = 1;
  std::vector<Input> files;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--inputs=")) {
      count = std::strtoull(argv[i] + 9, nullptr, 10);
    } else if (argument.starts_with("--seed=")) {
      seed = std::strtoull(argv[i] + 7, nullptr, 10);
    } else {
      files.push_back(ReadFile(argv[i]));
    }
  }
  Inputs inputs(seed);
  for (Input& file : files) {
    LLVMFuzzerTestOneInput(file.data(), file.size());
    inputs.Keep(std::move(file));
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const Input input = inputs.Next();
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%llu inputs, seed %llu\n",
              static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(seed));
  return 0;
}
