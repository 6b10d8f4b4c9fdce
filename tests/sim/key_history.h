// KeyHistory judges what was asked of one key and answered: the versions give
// the order in which the changes took effect, and every answer must fit it.
//
//   ticket = history.Ask(is_change);              // at the moment of asking
//   wrong = history.Answered(ticket, ...);        // "" if it fits
//
// Owner: ControlLedger.   Threading: none.
// Checks: linearizability by version: an answer sees every change that was
// answered before it was asked, and none that was asked after it was answered.
#ifndef MOBULA_TESTS_SIM_KEY_HISTORY_H_
#define MOBULA_TESTS_SIM_KEY_HISTORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace mobula::sim {

class KeyHistory {
 public:
  // What was known when something was asked.
  struct Ticket {
    std::uint64_t seen = 0;     // the highest version that anybody saw
    std::uint64_t deleted = 0;  // the highest that was deleted for certain
    std::uint64_t changes_asked = 0;
    std::uint64_t changes_open = 0;
  };
  using Expected = std::optional<std::uint64_t>;

  Ticket AskGet() const;
  Ticket AskPut(const std::string& value);
  Ticket AskDelete();

  // What is wrong with an answer; "" if nothing.
  std::string GotAnswer(const Ticket& asked, std::uint64_t version,
                        const std::optional<std::string>& value);
  std::string PutAnswer(const Ticket& asked, const std::string& value,
                        Expected expected, std::uint64_t version);
  std::string DeleteAnswer(const Ticket& asked, Expected expected,
                           std::uint64_t had);
  // To be followed by PutRefused or DeleteRefused.
  [[nodiscard]] std::string ConflictAnswer(const Ticket& asked,
                                           Expected expected) const;
  // A change did not happen, and will not.
  void PutRefused(const std::string& value) {
    --changes_open_;
    never_.insert(value);
  }
  void DeleteRefused() {
    --changes_open_;
    --deletes_open_;
  }

 private:
  std::string Value(std::uint64_t version, const std::string& value);
  [[nodiscard]] std::string Absent(const Ticket& asked) const;
  static std::string TooOld(const Ticket& asked, std::uint64_t version);

  std::uint64_t seen_ = 0;
  std::uint64_t deleted_ = 0;
  std::uint64_t changes_asked_ = 0;
  std::uint64_t changes_open_ = 0;  // asked, and perhaps not done yet
  std::uint64_t deletes_open_ = 0;
  std::set<std::string> values_asked_;
  std::set<std::string> never_;                  // of those, that were refused
  std::map<std::uint64_t, std::string> values_;  // by version, once known
  std::set<std::uint64_t> put_;                  // versions that puts were told
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_KEY_HISTORY_H_
