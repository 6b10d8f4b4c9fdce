#include "base/rpc/client_greeting.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/error_text.h"
#include "base/rpc/greeting.h"

namespace mobula::base {
namespace {

bool IsNotYet(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOTCONN ||
         error == EINPROGRESS;
}

}  // namespace

ClientGreeting::ClientGreeting(int fd, std::string_view token)
    : fd_(fd), to_write_(EncodeGreeting(token)) {}

ClientGreeting::Step ClientGreeting::Continue() {
  while (!to_write_.empty()) {
    const ssize_t count =
        ::send(fd_, to_write_.data(), to_write_.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && IsNotYet(errno)) return Step::kWrite;
    if (count < 0) return Fail(ErrorText());
    to_write_.erase(0, static_cast<std::size_t>(count));
  }
  std::array<char, kAdmissionBytes> buffer;
  while (answer_.size() < kAdmissionBytes) {
    const ssize_t count =
        ::recv(fd_, buffer.data(), kAdmissionBytes - answer_.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && IsNotYet(errno)) return Step::kRead;
    if (count < 0) return Fail(ErrorText());
    if (count == 0 && answer_.empty()) {
      return Fail(
          "it closed the connection without a word; does it speak TLS "
          "(tls:HOST:PORT)?");
    }
    if (count == 0) return Fail("it closed the connection");
    answer_.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return Judge();
}

ClientGreeting::Step ClientGreeting::Judge() {
  Admission admission;
  std::string error;
  if (!DecodeAdmission(answer_, &admission, &error)) {
    refused_ = true;
    return Fail(std::move(error));
  }
  if (admission.code == AdmissionCode::kAdmitted) return Step::kDone;
  if (admission.code == AdmissionCode::kUnreachable) {
    return Fail(std::move(admission.reason));
  }
  refused_ = true;
  const bool is_ours = admission.code == AdmissionCode::kWrongCertificate;
  return Fail((is_ours ? "" : "it refuses: ") + admission.reason);
}

ClientGreeting::Step ClientGreeting::Fail(std::string error) {
  error_ = std::move(error);
  return Step::kFailed;
}

}  // namespace mobula::base
