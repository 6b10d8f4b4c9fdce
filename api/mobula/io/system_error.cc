#include "api/mobula/io/system_error.h"

#include <utility>

#include "base/failure.h"

namespace mobula {
namespace {

base::Failure FailureOf(std::string_view name, const std::string& message) {
  base::Failure failure = base::MakeFailure(base::FailureCode::kUserException,
                                            base::Executed::kMaybe, message);
  // As which it travels.
  failure.exception_type = "mobula::" + std::string(name);
  failure.standard_class = "std::runtime_error";
  return failure;
}

std::error_code Code(int error) {
  return std::error_code(error, std::generic_category());
}

std::string Message(int error, const std::string& what) {
  return what + ": " + Code(error).message();
}

// What is thrown.
template <class E>
class Thrown final : public E, public std::system_error {
 public:
  template <class... Args>
  explicit Thrown(std::error_code error, Args&&... args)
      : E(std::forward<Args>(args)...), std::system_error(error) {}
  [[nodiscard]] const char* what() const noexcept override { return E::what(); }
};

}  // namespace

struct SystemError::Details {
  std::error_code error;
  std::string subject;
  std::string what;
};

SystemError::SystemError(std::error_code error, std::string message,
                         std::string subject)
    : SystemError("SystemError", error, std::move(message),
                  std::move(subject)) {}

SystemError::SystemError(std::string_view name, std::error_code error,
                         std::string message, std::string subject)
    : Error(FailureOf(name, message), name),
      details_(std::make_shared<const Details>(Details{
          error, std::move(subject), std::string(name) + ": " + message})) {}

const std::error_code& SystemError::error() const noexcept {
  return details_->error;
}
const std::string& SystemError::subject() const noexcept {
  return details_->subject;
}
const char* SystemError::what() const noexcept {
  return details_->what.c_str();
}

NetworkError::NetworkError(std::error_code error, std::string message,
                           std::string address)
    : SystemError("NetworkError", error, std::move(message),
                  std::move(address)) {}

StreamEnded::StreamEnded(std::string message, std::string address)
    : NetworkError("StreamEnded",
                   std::make_error_code(std::errc::connection_aborted),
                   std::move(message), std::move(address)) {}

SubprocessError::SubprocessError(std::error_code error, std::string message,
                                 std::string program)
    : SystemError("SubprocessError", error, std::move(message),
                  std::move(program)) {}

namespace detail {

void ThrowSystemError(int error, const std::string& what) {
  throw Thrown<SystemError>(Code(error), Code(error), Message(error, what), "");
}

void ThrowNetworkError(int error, const std::string& what,
                       std::string address) {
  throw Thrown<NetworkError>(Code(error), Code(error), Message(error, what),
                             std::move(address));
}

void ThrowStreamEnded(std::string what, std::string address) {
  const auto error = std::make_error_code(std::errc::connection_aborted);
  throw Thrown<StreamEnded>(error, std::move(what), std::move(address));
}

void ThrowSubprocessError(int error, const std::string& what,
                          std::string program) {
  throw Thrown<SubprocessError>(Code(error), Code(error), Message(error, what),
                                std::move(program));
}

}  // namespace detail
}  // namespace mobula
