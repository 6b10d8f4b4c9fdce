// Fifo is how a test and the functions that it has run wait for one another,
// without a word to the library.
//
//   const Fifo begun(folder + "/begun");
//   mobula::Spawn<Sleep>(begun.path());      // which says Tell(path)
//   begun.Await();
// Owner: tests.   Threading: any. Failure: aborts.
#ifndef MOBULA_API_TEST_FIFO_H_
#define MOBULA_API_TEST_FIFO_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace mobula {

// A pipe with a name. Whoever opens it here first keeps both of its ends.
class Fifo {
 public:
  explicit Fifo(std::string path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) std::abort();
    fd_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (fd_ < 0) std::abort();
  }
  ~Fifo() { ::close(fd_); }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // The pid of who came by.
  pid_t Await() const {
    pid_t pid = 0;
    if (::read(fd_, &pid, sizeof(pid)) != sizeof(pid)) std::abort();
    return pid;
  }
  // The same; whether one came within that time.
  [[nodiscard]] bool AwaitFor(std::chrono::milliseconds time) const {
    pollfd come{fd_, POLLIN, 0};
    if (::poll(&come, 1, static_cast<int>(time.count())) != 1) return false;
    Await();
    return true;
  }
  // For one who awaits it.
  void Open() const {
    if (::write(fd_, "xxxx", 4) != 4) std::abort();
  }

 private:
  const std::string path_;
  int fd_ = -1;
};

// Comes by at a Fifo.
inline void Tell(const std::string& fifo) {
  const int fd = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  const pid_t pid = ::getpid();
  if (::write(fd, &pid, sizeof(pid)) != sizeof(pid)) std::abort();
  ::close(fd);
}

// Waits for its Open.
inline void AwaitOpen(const std::string& fifo) {
  const int fd = ::open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
  char bytes[4];
  if (::read(fd, bytes, sizeof(bytes)) <= 0) std::abort();
  ::close(fd);
}

// One letter for each that ran.
inline void NoteIn(const std::string& log, char letter) {
  const int fd =
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (::write(fd, &letter, 1) != 1) std::abort();
  ::close(fd);
}

// A folder of a test's own, removed with all that is in it.
class TestFolder {
 public:
  TestFolder() {
    std::string name = "/tmp/mobula_test_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  [[nodiscard]] std::string Path(const std::string& name) const {
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace mobula

#endif  // MOBULA_API_TEST_FIFO_H_
