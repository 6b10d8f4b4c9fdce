// UniqueFd owns a file descriptor and closes it.
// Threading: a value, moved not copied.
#ifndef MOBULA_BASE_UNIQUE_FD_H_
#define MOBULA_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace mobula::base {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { Reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_UNIQUE_FD_H_
