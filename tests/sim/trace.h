// Trace folds everything that happens in a simulation into one hash, and prints
// it line by line where asked: same seed, same hash (invariant I18).
//
//   trace.Note(now, process, "event", event);   // any event, effect or message
//
// Contents are hashed and printed by reflection (Boost.PFR), so that a field
// added to a message takes part without a change here.
// Threading: none.
#ifndef MOBULA_TESTS_SIM_TRACE_H_
#define MOBULA_TESTS_SIM_TRACE_H_

#include <boost/pfr.hpp>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::sim {

// Folds values into 64 bits.
class ContentHash {
 public:
  void Add(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x9FB21C651E98DF25ULL;
    state_ ^= state_ >> 32;
  }
  void Add(std::string_view text) {
    Add(text.size());
    for (const char c : text) {
      state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
  }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

namespace trace_detail {

template <class T>
concept Range = requires(const T& t) {
  t.begin();
  t.end();
  t.size();
};

template <class T>
concept IsVariant = requires { std::variant_size<T>::value; };

template <class T>
struct IsId : std::false_type {};
template <class Tag>
struct IsId<base::Id<Tag>> : std::true_type {};

template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsOptional<std::shared_ptr<T>> : std::true_type {};

// "Received" of mobula::runtime::Received.
template <class T>
std::string_view TypeName() {
  std::string_view name = __PRETTY_FUNCTION__;
  const std::size_t begin = name.find("T = ") + 4;
  name = name.substr(begin, name.find_first_of(";]", begin) - begin);
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace trace_detail

template <class T>
void HashInto(ContentHash& hash, const T& value) {
  using namespace trace_detail;
  if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
    hash.Add(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_same_v<T, base::Bytes>) {
    hash.Add(value.view());
  } else if constexpr (std::is_same_v<T, base::Value>) {
    hash.Add(value.view());
    HashInto(hash, value.name());
    HashInto(hash, value.extent());
    HashInto(hash, value.refs());
  } else if constexpr (std::is_same_v<T, base::BootTime>) {
    hash.Add(static_cast<std::uint64_t>(value.since_boot().count()));
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    hash.Add(static_cast<std::uint64_t>(value.count()));
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    hash.Add(std::string_view(value));
  } else if constexpr (IsPair<T>::value) {
    HashInto(hash, value.first);
    HashInto(hash, value.second);
  } else if constexpr (IsOptional<T>::value) {
    hash.Add(value ? 1 : 0);
    if (value) HashInto(hash, *value);
  } else if constexpr (Range<T>) {
    hash.Add(value.size());
    for (const auto& item : value) HashInto(hash, item);
  } else if constexpr (IsVariant<T>) {
    hash.Add(value.index());
    std::visit([&hash](const auto& item) { HashInto(hash, item); }, value);
  } else {
    boost::pfr::for_each_field(
        value, [&hash](const auto& field) { HashInto(hash, field); });
  }
}

template <class T>
void PrintInto(std::ostream& out, const T& value) {
  using namespace trace_detail;
  if constexpr (std::is_same_v<T, bool>) {
    out << (value ? "true" : "false");
  } else if constexpr (std::is_enum_v<T>) {
    out << static_cast<int>(value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    out << value;
  } else if constexpr (std::is_same_v<T, base::Bytes>) {
    out << '"' << value.view() << '"';
  } else if constexpr (std::is_same_v<T, base::Value>) {
    out << '"' << value.view() << '"';
    if (value.is_stored()) {
      PrintInto(out, value.name());
      PrintInto(out, value.extent());
    }
    if (!value.refs().empty()) PrintInto(out, value.refs());
  } else if constexpr (std::is_same_v<T, base::BootTime>) {
    if (value.IsNever()) {
      out << "never";
    } else {
      out << value.since_boot().count() / 1000 << "us";
    }
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    out << value.count() << "ns";
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    out << '"' << std::string_view(value) << '"';
  } else if constexpr (IsId<T>::value) {
    out << std::hex << (value.hi & 0xFFFF) << '.' << value.lo << std::dec;
  } else if constexpr (IsPair<T>::value) {
    PrintInto(out, value.first);
    out << ": ";
    PrintInto(out, value.second);
  } else if constexpr (IsOptional<T>::value) {
    if (value) PrintInto(out, *value);
  } else if constexpr (Range<T>) {
    out << '[';
    const char* separator = "";
    for (const auto& item : value) {
      out << std::exchange(separator, ", ");
      PrintInto(out, item);
    }
    out << ']';
  } else if constexpr (IsVariant<T>) {
    std::visit([&out](const auto& item) { PrintInto(out, item); }, value);
  } else {
    out << TypeName<T>() << '{';
    const char* separator = "";
    boost::pfr::for_each_field(value, [&out, &separator](const auto& field) {
      out << std::exchange(separator, " ");
      PrintInto(out, field);
    });
    out << '}';
  }
}

class Trace {
 public:
  // Prints to `out` where it is not null.
  explicit Trace(std::ostream* out) : out_(out) {}

  template <class T>
  void Note(base::BootTime now, base::ProcessId process, std::string_view what,
            const T& content) {
    hash_.Add(static_cast<std::uint64_t>(now.since_boot().count()));
    hash_.Add(process.lo);
    hash_.Add(what);
    HashInto(hash_, content);
    if (out_ == nullptr) return;
    std::ostringstream text;
    PrintInto(text, content);
    PrintLine(now, process, what, text.str());
  }

  [[nodiscard]] std::uint64_t hash() const { return hash_.value(); }
  [[nodiscard]] bool prints() const { return out_ != nullptr; }

 private:
  void PrintLine(base::BootTime now, base::ProcessId process,
                 std::string_view what, const std::string& text);

  ContentHash hash_;
  std::ostream* const out_;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_TRACE_H_
