#include "tests/netns/switch_words.h"

#include <charconv>
#include <cstdint>
#include <sstream>

namespace mobula::test {
namespace {

using base::Duration;

constexpr std::int64_t kRateMax = std::int64_t{1} << 40;
constexpr Duration kDelayMax = std::chrono::hours(1);

template <class Number>
bool ReadNumber(std::string_view text, Number* number,
                std::string_view* rest = nullptr) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *number);
  if (error != std::errc()) return false;
  if (rest == nullptr) return end == last;
  *rest = text.substr(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool ReadChance(std::string_view text, double* chance) {
  return ReadNumber(text, chance) && *chance >= 0 && *chance <= 1;
}

bool ReadDuration(std::string_view text, Duration* duration) {
  std::int64_t number = 0;
  std::string_view unit;
  if (!ReadNumber(text, &number, &unit) || number < 0) return false;
  if (number > kDelayMax.count()) return false;
  if (unit == "us") {
    *duration = std::chrono::microseconds(number);
  } else if (unit == "ms") {
    *duration = std::chrono::milliseconds(number);
  } else if (unit == "s") {
    *duration = std::chrono::seconds(number);
  } else {
    return false;
  }
  return *duration <= kDelayMax;
}

bool ReadRate(std::string_view text, std::int64_t* rate) {
  return ReadNumber(text, rate) && *rate >= 0 && *rate <= kRateMax;
}

bool ReadFault(std::string_view key, std::string_view value, Faults* faults) {
  if (key == "cut" && value.empty()) return faults->cut = true;
  if (key == "loss") return ReadChance(value, &faults->loss);
  if (key == "duplicate") return ReadChance(value, &faults->duplicate);
  if (key == "reorder") return ReadChance(value, &faults->reorder);
  if (key == "tail") return ReadChance(value, &faults->tail);
  if (key == "delay") return ReadDuration(value, &faults->delay);
  if (key == "jitter") return ReadDuration(value, &faults->jitter);
  if (key == "tail_delay") return ReadDuration(value, &faults->tail_delay);
  if (key == "rate") return ReadRate(value, &faults->bytes_per_second);
  return false;
}

class Reader {
 public:
  Reader(std::string_view line, int ports, std::string* error)
      : words_(std::string(line)), ports_(ports), error_(error) {}

  std::optional<SwitchWord> Read() {
    const std::string verb = Next();
    if (verb == "attach") return ReadAttach();
    if (verb == "detach") {
      Detach detach;
      if (!ReadPort(&detach.port)) return {};
      return End(detach);
    }
    if (verb == "link") return ReadLink();
    if (verb == "counts") return End(AskCounts());
    return Wrong("'" + verb + "' is none of attach, detach, link, counts");
  }

 private:
  std::string Next() {
    std::string word;
    words_ >> word;
    return word;
  }
  std::optional<SwitchWord> Wrong(const std::string& why) {
    *error_ = why;
    return {};
  }
  std::optional<SwitchWord> End(const SwitchWord& word) {
    const std::string more = Next();
    if (!more.empty()) return Wrong("'" + more + "' is too much");
    return word;
  }
  bool ReadPort(int* port) {
    const std::string word = Next();
    if (ReadNumber(std::string_view(word), port) && *port >= 1 &&
        *port <= ports_) {
      return true;
    }
    *error_ =
        "'" + word + "' is no port; they are 1 to " + std::to_string(ports_);
    return false;
  }
  bool ReadEnd(int* port) {
    const auto at = words_.tellg();
    if (Next() == "*") return true;
    words_.clear();
    words_.seekg(at);
    return ReadPort(port);
  }
  std::optional<SwitchWord> ReadAttach() {
    Attach attach;
    if (!ReadPort(&attach.port)) return {};
    attach.network_namespace = Next();
    if (!attach.network_namespace.starts_with("/")) {
      return Wrong("a namespace is named by an absolute path");
    }
    for (std::string word = Next(); !word.empty(); word = Next()) {
      const auto address = Prefixed::Parse(word);
      if (!address) {
        return Wrong("'" + word + "' is no address like 10.77.0.3/24");
      }
      attach.addresses.push_back(*address);
    }
    if (attach.addresses.empty()) return Wrong("it needs an address");
    return attach;
  }
  std::optional<SwitchWord> ReadLink() {
    SetLink link;
    if (!ReadEnd(&link.from) || !ReadEnd(&link.to)) return {};
    for (std::string word = Next(); !word.empty(); word = Next()) {
      const std::size_t equals = word.find('=');
      const bool has_value = equals != std::string::npos;
      if (!ReadFault(std::string_view(word).substr(0, equals),
                     has_value ? std::string_view(word).substr(equals + 1)
                               : std::string_view(),
                     &link.faults)) {
        return Wrong("'" + word +
                     "' is no fault: cut, loss=, duplicate=, reorder=, tail= "
                     "(0 to 1), delay=, jitter=, tail_delay= (5ms), rate= "
                     "(bytes a second)");
      }
    }
    return link;
  }

  std::istringstream words_;
  const int ports_;
  std::string* const error_;
};

std::string EndWord(int port) {
  return port == 0 ? " *" : " " + std::to_string(port);
}

std::string Microseconds(Duration duration) {
  return std::to_string(
             std::chrono::duration_cast<std::chrono::microseconds>(duration)
                 .count()) +
         "us";
}

}  // namespace

std::optional<SwitchWord> ParseSwitchWord(std::string_view line, int ports,
                                          std::string* error) {
  return Reader(line, ports, error).Read();
}

std::string LinkWord(const SetLink& link) {
  const Faults& faults = link.faults;
  std::string text = "link" + EndWord(link.from) + EndWord(link.to);
  if (faults.cut) text += " cut";
  for (const auto& [key, chance] :
       {std::pair("loss", faults.loss),
        std::pair("duplicate", faults.duplicate),
        std::pair("reorder", faults.reorder), std::pair("tail", faults.tail)}) {
    if (chance > 0)
      text += std::string(" ") + key + "=" + std::to_string(chance);
  }
  for (const auto& [key, time] :
       {std::pair("delay", faults.delay), std::pair("jitter", faults.jitter),
        std::pair("tail_delay", faults.tail_delay)}) {
    if (time > Duration(0)) {
      text += std::string(" ") + key + "=" + Microseconds(time);
    }
  }
  if (faults.bytes_per_second > 0) {
    text += " rate=" + std::to_string(faults.bytes_per_second);
  }
  return text;
}

}  // namespace mobula::test
