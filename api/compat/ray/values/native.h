// kIsNative<T>: whether Mobula's own codec carries a T, as it carries the
// values of Mobula's programs: numbers, strings, enums, the standard
// containers, refs and actor handles, and all of these within one another.
// Everything else (a class with MSGPACK_DEFINE or an adaptor of the user's own)
// goes through MessagePack's library, whole. Not for users. Threading: pure.
#ifndef MOBULA_API_COMPAT_RAY_VALUES_NATIVE_H_
#define MOBULA_API_COMPAT_RAY_VALUES_NATIVE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "base/codec/codec.h"

namespace ray::internal {

template <class T>
struct Native
    : std::bool_constant<(std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                          mobula::base::codec_internal::HasFields<T> ||
                          mobula::base::codec_internal::Custom<T>) &&
                         mobula::base::kEncodable<T> &&
                         mobula::base::kDecodable<T>> {};

template <class... T>
struct AllNative : std::bool_constant<(Native<T>::value && ...)> {};

template <>
struct Native<std::string> : std::true_type {};
template <>
struct Native<std::monostate> : std::true_type {};
template <class Rep, class Period>
struct Native<std::chrono::duration<Rep, Period>> : AllNative<Rep> {};
template <class Clock, class Duration>
struct Native<std::chrono::time_point<Clock, Duration>> : AllNative<Duration> {
};
template <class T, class A>
struct Native<std::vector<T, A>> : AllNative<T> {};
template <class T, class A>
struct Native<std::deque<T, A>> : AllNative<T> {};
template <class T, class A>
struct Native<std::list<T, A>> : AllNative<T> {};
template <class T, std::size_t kSize>
struct Native<std::array<T, kSize>> : AllNative<T> {};
template <class T, class C, class A>
struct Native<std::set<T, C, A>> : AllNative<T> {};
template <class T, class C, class A>
struct Native<std::multiset<T, C, A>> : AllNative<T> {};
template <class T, class H, class E, class A>
struct Native<std::unordered_set<T, H, E, A>> : AllNative<T> {};
template <class K, class V, class C, class A>
struct Native<std::map<K, V, C, A>> : AllNative<K, V> {};
template <class K, class V, class C, class A>
struct Native<std::multimap<K, V, C, A>> : AllNative<K, V> {};
template <class K, class V, class H, class E, class A>
struct Native<std::unordered_map<K, V, H, E, A>> : AllNative<K, V> {};
template <class T>
struct Native<std::optional<T>> : AllNative<T> {};
template <class T>
struct Native<std::unique_ptr<T>> : AllNative<T> {};
template <class T>
struct Native<std::shared_ptr<T>> : AllNative<T> {};
template <class A, class B>
struct Native<std::pair<A, B>> : AllNative<A, B> {};
template <class... T>
struct Native<std::tuple<T...>> : AllNative<T...> {};
template <class... T>
struct Native<std::variant<T...>> : AllNative<T...> {};

template <class T>
inline constexpr bool kIsNative = Native<T>::value;

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_VALUES_NATIVE_H_
