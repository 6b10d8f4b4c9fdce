#include "tests/sim/key_history.h"

#include <algorithm>

namespace mobula::sim {
namespace {

std::string Number(std::uint64_t number) { return std::to_string(number); }

}  // namespace

KeyHistory::Ticket KeyHistory::AskGet() const {
  return {seen_, deleted_, changes_asked_, changes_open_};
}

KeyHistory::Ticket KeyHistory::AskPut(const std::string& value) {
  values_asked_.insert(value);
  const Ticket ticket{seen_, deleted_, changes_asked_ + 1, changes_open_};
  ++changes_asked_;
  ++changes_open_;
  return ticket;
}

KeyHistory::Ticket KeyHistory::AskDelete() {
  ++deletes_open_;
  const Ticket ticket{seen_, deleted_, changes_asked_ + 1, changes_open_};
  ++changes_asked_;
  ++changes_open_;
  return ticket;
}

std::string KeyHistory::TooOld(const Ticket& asked, std::uint64_t version) {
  if (version < asked.seen) {
    return "version " + Number(asked.seen) + " was seen before, now it is " +
           Number(version);
  }
  if (version <= asked.deleted) {
    return "version " + Number(version) + " is back, " + Number(asked.deleted) +
           " was deleted before";
  }
  return "";
}

// It is absent: somebody deleted what was seen.
std::string KeyHistory::Absent(const Ticket& asked) const {
  if (asked.seen == 0 || deleted_ >= asked.seen || deletes_open_ > 0) return "";
  return "version " + Number(asked.seen) + " is lost, nobody deleted it";
}

std::string KeyHistory::Value(std::uint64_t version, const std::string& value) {
  if (!values_asked_.contains(value)) {
    return "version " + Number(version) + " has a value that nobody put";
  }
  if (never_.contains(value)) {
    return "version " + Number(version) + " has the value " + value +
           ", of which it was said that it was not put";
  }
  const auto [known, is_new] = values_.emplace(version, value);
  if (!is_new && known->second != value) {
    return "version " + Number(version) + " has two values, " + known->second +
           " and " + value;
  }
  seen_ = std::max(seen_, version);
  return "";
}

std::string KeyHistory::GotAnswer(const Ticket& asked, std::uint64_t version,
                                  const std::optional<std::string>& value) {
  if (value.has_value() != (version > 0)) return "a version without a value";
  if (version == 0) return Absent(asked);
  const std::string wrong = TooOld(asked, version);
  return wrong.empty() ? Value(version, *value) : wrong;
}

std::string KeyHistory::PutAnswer(const Ticket& asked, const std::string& value,
                                  Expected expected, std::uint64_t version) {
  --changes_open_;
  if (version <= asked.seen) {
    return "a put made version " + Number(version) + ", and " +
           Number(asked.seen) + " was seen before it was asked";
  }
  if (!put_.insert(version).second) {
    return "two puts made version " + Number(version);
  }
  if (expected.has_value() && *expected > 0 && version != *expected + 1) {
    return "a put on version " + Number(*expected) + " made version " +
           Number(version);
  }
  return Value(version, value);
}

std::string KeyHistory::DeleteAnswer(const Ticket& asked, Expected expected,
                                     std::uint64_t had) {
  --changes_open_;
  if (expected.has_value() && *expected != had) {
    return "a delete of version " + Number(*expected) + " deleted " +
           Number(had);
  }
  if (had == 0) {
    // Its own wish is no reason for what it found.
    --deletes_open_;
    return Absent(asked);
  }
  std::string wrong = TooOld(asked, had);
  --deletes_open_;
  if (!wrong.empty()) return wrong;
  if (had == deleted_) return "version " + Number(had) + " is deleted twice";
  deleted_ = std::max(deleted_, had);
  seen_ = std::max(seen_, had);
  return "";
}

std::string KeyHistory::ConflictAnswer(const Ticket& asked,
                                       Expected expected) const {
  if (!expected.has_value()) return "a conflict of what expected nothing";
  const bool is_alone =
      asked.changes_open == 0 && asked.changes_asked == changes_asked_;
  if (is_alone && *expected > 0 && *expected == asked.seen &&
      *expected > asked.deleted) {
    return "a conflict, although version " + Number(*expected) +
           " was there and nobody changed it";
  }
  return "";
}

}  // namespace mobula::sim
