// What people type to name a thing: a pid, or the beginning of an id, and what
// that means among ids that there are.
//
//   IdMatches matches("a3f0");
//   matches.Add(actor.ToString(), "actor counter of class Counter");
//   if (matches.found().size() == 1) ...
// Threading: a value.
#ifndef MOBULA_CLI_TOOLS_ID_MATCHES_H_
#define MOBULA_CLI_TOOLS_ID_MATCHES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mobula::cli {

// Rather than the beginning of an id.
inline bool IsPid(std::string_view text) {
  constexpr std::size_t kDigitsMax = 7;
  return !text.empty() && text.size() <= kDigitsMax &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

class IdMatches {
 public:
  static constexpr std::size_t kDigitsMin = 4;

  // What people type of an id.
  static bool IsBeginning(std::string_view text) {
    return text.size() >= kDigitsMin && text.size() <= 32 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }

  explicit IdMatches(std::string beginning)
      : beginning_(std::move(beginning)) {}

  // Whether it is one of them.
  bool Add(const std::string& id, const std::string& what) {
    if (!id.starts_with(beginning_)) return false;
    found_.push_back(id + "  " + what);
    return true;
  }
  // A line each.
  [[nodiscard]] const std::vector<std::string>& found() const { return found_; }
  // Why there is not exactly one.
  [[nodiscard]] std::string Complaint() const {
    if (found_.empty()) return "nothing that lives has the id " + beginning_;
    std::string text = beginning_ + " may be any of";
    for (const std::string& line : found_) text += "\n  " + line;
    return text;
  }

 private:
  std::string beginning_;
  std::vector<std::string> found_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_ID_MATCHES_H_
