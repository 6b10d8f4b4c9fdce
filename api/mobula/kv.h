// Keys and values that all programs of the cluster share, in the control store:
// for settings, small results, the address of a service. Not for bulk: a value
// has at most 1 MiB.
//
//   mobula::KvPut("model/best", Score{"v7", 0.93});
//   std::optional<mobula::KvEntry<Score>> best =
//       mobula::KvGet<Score>("model/best");
//   if (best) std::cout << best->value.name << "\n";
//
//   // Counts exactly, however many count at once:
//   while (true) {
//     auto entry = mobula::KvGet<std::int64_t>("count");
//     mobula::KvOptions expect;
//     expect.Expect(entry ? entry->version : 0);       // 0: no such key
//     try {
//       mobula::KvPut("count", (entry ? entry->value : 0) + 1, expect);
//       break;
//     } catch (const mobula::Conflict&) {              // somebody was faster
//     }
//   }
//
// Each function waits for the control store. KvPut and KvDelete return when the
// change is durable: it survives a crash of the control store and of this
// program. Versions begin at 1 or above, and those of a key only grow, also
// when it is deleted and made again. A reader sees every change that was
// acknowledged before it asked.
// Keys: 1 to 1,024 bytes, in a namespace (InitOptions::Namespace). Values: what
// can be an argument of a task and has no Refs inside (BadArgument).
// In local mode they are in memory, and end with the runtime.
// Errors: Conflict (KvOptions::Expect did not hold, nothing was changed),
// ControlAway (no answer in time; executed() says whether it may have been done
// all the same), DiskFull, ValueTooLarge, LimitError, BadArgument (key or
// namespace), DecodeError (the value is of another type), RuntimeClosed.
// Threading: every function from any thread, and from tasks and actors.
#ifndef MOBULA_API_MOBULA_KV_H_
#define MOBULA_API_MOBULA_KV_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "api/mobula/detail/key_calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/kv_options.h"  // IWYU pragma: export

namespace mobula {

template <class T>
struct KvEntry {
  T value{};
  std::uint64_t version = 0;
};

namespace detail {

template <class T>
constexpr void CheckKeyValue() {
  static_assert(!kIsRef<T>,
                "mobula: a Ref cannot be kept under a key: nobody would count "
                "it; keep the value, or the name of an actor that has the Ref");
  if constexpr (!kIsRef<T>) CheckValue<T>();
}

}  // namespace detail

// Sets the key; its new version. Text literals are std::string.
template <class T>
std::uint64_t KvPut(std::string_view key, const T& value,
                    const KvOptions& options = KvOptions()) {
  if constexpr (std::is_convertible_v<const T&, const char*>) {
    return detail::PutKey(key, detail::EncodeAlone(std::string(value)),
                          options);
  } else {
    detail::CheckKeyValue<T>();
    if constexpr (detail::kIsValue<T> && !detail::kIsRef<T>) {
      return detail::PutKey(key, detail::EncodeAlone(value), options);
    }
  }
  return 0;
}

// The value and its version, nothing if there is no such key.
template <class T>
std::optional<KvEntry<T>> KvGet(std::string_view key,
                                const KvOptions& options = KvOptions()) {
  detail::CheckKeyValue<T>();
  if constexpr (detail::kIsValue<T> && !detail::kIsRef<T>) {
    const std::optional<detail::FoundKey> found = detail::GetKey(key, options);
    if (found.has_value()) {
      KvEntry<T> entry;
      entry.value = detail::DecodeValue<T>(found->value);
      entry.version = found->version;
      return entry;
    }
  }
  return std::nullopt;
}

// Whether there was such a key.
bool KvDelete(std::string_view key, const KvOptions& options = KvOptions());

// The keys that begin with `prefix`, in order. Not a snapshot: what changes
// meanwhile may or may not be there.
std::vector<std::string> KvList(std::string_view prefix = "",
                                const KvOptions& options = KvOptions());

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_KV_H_
