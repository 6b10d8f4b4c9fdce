// Names of functions and classes of other languages, as a Ray program says
// them. There are no Python or Java workers here: Remote of any of them throws
// a RayException that says so.
// Threading: values.
#ifndef MOBULA_API_COMPAT_RAY_INTERNAL_XLANG_FUNCTION_H_
#define MOBULA_API_COMPAT_RAY_INTERNAL_XLANG_FUNCTION_H_

#include <string>
#include <type_traits>

namespace ray {

template <typename R>
struct PyFunction {
  bool IsPython() { return true; }
  R operator()() { return {}; }

  std::string module_name;
  std::string function_name;
};

struct PyActorClass {
  bool IsPython() { return true; }
  void operator()() {}

  std::string module_name;
  std::string class_name;
  std::string function_name = "__init__";
};

template <typename R>
struct PyActorMethod {
  bool IsPython() { return true; }
  R operator()() { return {}; }

  std::string function_name;
};

template <typename R>
struct JavaFunction {
  bool IsJava() { return true; }
  R operator()() { return {}; }

  std::string class_name;
  std::string function_name;
};

struct JavaActorClass {
  bool IsJava() { return true; }
  void operator()() {}

  std::string class_name;
  std::string module_name = {};  // so that it may be left out
  std::string function_name = "<init>";
};

template <typename R>
struct JavaActorMethod {
  bool IsJava() { return true; }
  R operator()() { return {}; }

  std::string function_name;
};

namespace internal {

template <class F>
inline constexpr bool kIsXlang =
    requires(F& f) { f.IsPython(); } || requires(F& f) { f.IsJava(); };

// What a function of another language gives.
template <class F>
struct XlangResult;
template <template <class> class F, class R>
struct XlangResult<F<R>> {
  using Type = R;
};

}  // namespace internal
}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_INTERNAL_XLANG_FUNCTION_H_
