// The exceptions of the Ray-compatible API: Ray's names, in ray::internal as
// there, each a RayException.
//
//   try {
//     ray::Task(Parse).Remote(text).Get();
//   } catch (const ray::internal::RayTaskException& e) {
//     std::cerr << e.what() << "\n";  // function, type, text, process
//   }
//
// | thrown | when |
// |---|---|
// | RayTaskException | the function threw; its type is part of the text |
// | RayActorException | the actor has ended, or its factory threw |
// | RayWorkerException | the process that ran the task ended |
// | RayTimeoutException | the time given to Get is over |
// | UnreconstructableException | the value is lost |
// | RayFunctionNotFound | the worker has no such function |
// | RayRuntimeEnvException | a field of a RuntimeEnv is wrong |
// | RayException | everything else, and the base of all |
// Threading: values.
#ifndef MOBULA_API_COMPAT_RAY_API_RAY_EXCEPTION_H_
#define MOBULA_API_COMPAT_RAY_API_RAY_EXCEPTION_H_

#include <exception>
#include <string>
#include <utility>

namespace ray::internal {

class RayException : public std::exception {
 public:
  RayException(std::string message)  // NOLINT: as Ray's
      : msg_(std::move(message)) {}

  [[nodiscard]] const char* what() const noexcept override {
    return msg_.c_str();
  }

  std::string msg_;
};

class RayActorException : public RayException {
 public:
  using RayException::RayException;
};

class RayTaskException : public RayException {
 public:
  using RayException::RayException;
};

class RayWorkerException : public RayException {
 public:
  using RayException::RayException;
};

class UnreconstructableException : public RayException {
 public:
  using RayException::RayException;
};

class RayFunctionNotFound : public RayException {
 public:
  using RayException::RayException;
};

class RayRuntimeEnvException : public RayException {
 public:
  using RayException::RayException;
};

class RayTimeoutException : public RayException {
 public:
  using RayException::RayException;
};

}  // namespace ray::internal

#endif  // MOBULA_API_COMPAT_RAY_API_RAY_EXCEPTION_H_
