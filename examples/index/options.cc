#include "examples/index/options.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string_view>

namespace indexer {
namespace {

template <class Number>
bool ParseNumber(std::string_view text, Number min, Number max,
                 Number* number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && rest == end && *number >= min &&
         *number <= max;
}

bool ParseSeconds(const std::string& text, std::chrono::milliseconds* time) {
  double seconds = 0;
  if (!ParseNumber(text, 0.001, 1e6, &seconds)) return false;
  *time = std::chrono::milliseconds(std::llround(seconds * 1000));
  return true;
}

// Goes through the arguments one by one.
class Parser {
 public:
  Parser(const std::vector<std::string>& arguments, Options* options)
      : arguments_(arguments), options_(*options) {}

  bool Run(std::string* error) {
    while (next_ < arguments_.size() && error_.empty()) {
      const std::string argument = arguments_[next_++];
      if (!flags_ended_ && argument == "--") {
        flags_ended_ = true;
      } else if (!flags_ended_ && argument == "-h") {
        options_.help = true;
      } else if (!flags_ended_ && argument.starts_with("--")) {
        SeeFlag(argument);
      } else if (!has_folder_) {
        has_folder_ = true;
        options_.folder = argument;
      } else {
        options_.query += (options_.query.empty() ? "" : " ") + argument;
      }
    }
    *error = error_;
    return error_.empty();
  }

 private:
  void SeeFlag(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    has_value_ = equals != std::string::npos;
    value_ = has_value_ ? argument.substr(equals + 1) : "";
    if (name == "--mobula-local") {
      options_.is_local = true;
    } else if (name.starts_with("--mobula-")) {
      if (!has_value_) ++next_;
    } else if (name == "--verify" && !has_value_) {
      options_.verify = true;
    } else if (name == "--names" && !has_value_) {
      options_.names_all = true;
    } else if (name == "--help" && !has_value_) {
      options_.help = true;
    } else {
      SeeNumber(name);
    }
  }

  void SeeNumber(const std::string& name) {
    if (!has_value_ && next_ < arguments_.size()) value_ = arguments_[next_++];
    bool is_right = false;
    std::string range;
    if (name == "--workers") {
      is_right = ParseNumber(value_, 1u, kWorkersMax, &options_.workers);
      range = " from 1 to " + std::to_string(kWorkersMax);
    } else if (name == "--shards") {
      is_right = ParseNumber(value_, 1u, kShardsMax, &options_.shards);
      range = " from 1 to " + std::to_string(kShardsMax);
    } else if (name == "--kills") {
      is_right = ParseNumber(value_, 0u, 1'000'000u, &options_.kills);
    } else if (name == "--kill-every") {
      is_right = ParseSeconds(value_, &options_.kill_every);
    } else if (name == "--seed") {
      is_right = ParseNumber(value_, std::uint64_t{0}, ~std::uint64_t{0},
                             &options_.seed);
    } else {
      error_ = "there is no option " + name;
      return;
    }
    if (!is_right) {
      error_ = name + " wants a number" + range + ", not \"" + value_ + "\"";
    }
  }

  const std::vector<std::string>& arguments_;
  Options& options_;
  std::size_t next_ = 0;
  bool flags_ended_ = false;
  bool has_folder_ = false;
  bool has_value_ = false;
  std::string value_;
  std::string error_;
};

}  // namespace

bool ParseOptions(const std::vector<std::string>& arguments, Options* options,
                  std::string* error) {
  return Parser(arguments, options).Run(error);
}

std::string Usage() {
  return R"(usage: index [options] [FOLDER [WORD...]]

Indexes the text files of FOLDER (default /usr/share/doc; gzip files too) on
worker processes, prints the commonest words, and answers a query: the WORDs,
or else each line of the standard input. A file matches if it holds all words.

  --workers N        that many processors' worth of workers (default: all), of
                     this program alone; at a node that runs (see MOBULA_ADDRESS
                     and --mobula-address) at most so many of its own
  --shards N         actors that hold the index (default 4)
  --verify           compare every word with a single-threaded index
  --names            name every file that was left out, not the first few
  --kill-every S     kill one of the workers or shards every S seconds
  --kills N          kill N of them while the index is made
  --seed N           which of them (default 1)
  --mobula-...       options of the runtime, see mobula/init.h

The exit code is 0 only if the index is right.
)";
}

}  // namespace indexer
