// SystemError is what the operating system refused: sockets, pipes, processes.
//
//   try {
//     auto connect = mobula::TcpStream::Connect("db.example", 5432, 2s);
//     mobula::TcpStream db = co_await connect;
//   } catch (const mobula::NetworkError& e) {
//     if (e.error() == std::errc::connection_refused) ...   // nobody listens
//     std::cerr << e.address() << ": " << e.what();
//   }
//
// What is thrown is a std::system_error too. In a remote function that lets it
// through it becomes a TaskError, as any exception does. A time that was over
// is a TimeoutError, a stopped scope Cancelled, here as everywhere.
// Threading: values; any thread.
#ifndef MOBULA_API_MOBULA_IO_SYSTEM_ERROR_H_
#define MOBULA_API_MOBULA_IO_SYSTEM_ERROR_H_

#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "api/mobula/error.h"

namespace mobula {

class SystemError : public Error {
 public:
  // `subject` is the address or program that it is about.
  SystemError(std::error_code error, std::string message, std::string subject);

  // Compares with std::errc: error() == std::errc::connection_reset.
  [[nodiscard]] const std::error_code& error() const noexcept;
  [[nodiscard]] const char* what() const noexcept override;

 protected:
  SystemError(std::string_view name, std::error_code error, std::string message,
              std::string subject);
  [[nodiscard]] const std::string& subject() const noexcept;

 private:
  struct Details;
  std::shared_ptr<const Details> details_;
};

// Of a socket or pipe.
class NetworkError : public SystemError {
 public:
  NetworkError(std::error_code error, std::string message, std::string address);

  // Of the other side, or of the listener: "127.0.0.1:80", "[::1]:80", a path.
  [[nodiscard]] const std::string& address() const noexcept {
    return subject();
  }

 protected:
  using SystemError::SystemError;
};

// The other side ended its stream before all that was asked for had come; what
// had come can still be read. error() is std::errc::connection_aborted.
class StreamEnded : public NetworkError {
 public:
  StreamEnded(std::string message, std::string address);
};

// A program could not be started, or not be waited for.
class SubprocessError : public SystemError {
 public:
  SubprocessError(std::error_code error, std::string message,
                  std::string program);

  [[nodiscard]] const std::string& program() const noexcept {
    return subject();
  }
};

namespace detail {

// Each says what the number means; `what` is "cannot connect to 10.0.0.1:80".
[[noreturn]] void ThrowSystemError(int error, const std::string& what);
[[noreturn]] void ThrowNetworkError(int error, const std::string& what,
                                    std::string address);
[[noreturn]] void ThrowStreamEnded(std::string what, std::string address);
[[noreturn]] void ThrowSubprocessError(int error, const std::string& what,
                                       std::string program);

}  // namespace detail
}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_SYSTEM_ERROR_H_
