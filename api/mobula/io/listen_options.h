// ListenOptions bounds what a listener takes in.
//
//   auto door = mobula::TcpListener::Listen(
//       "127.0.0.1", 0, mobula::ListenOptions().ConnectionsMax(100));
//
// Threading: a value.
#ifndef MOBULA_API_MOBULA_IO_LISTEN_OPTIONS_H_
#define MOBULA_API_MOBULA_IO_LISTEN_OPTIONS_H_

#include <cstddef>

namespace mobula {

class ListenOptions {
 public:
  ListenOptions() = default;

  // Accepted ones that live at once; while there are as many, Accept waits for
  // one of them to end, and others wait in the backlog. Default 10,000.
  ListenOptions& ConnectionsMax(std::size_t connections) {
    values_.connections_max = connections;
    return *this;
  }
  // That wait to be accepted; the system has a bound too. Default 1,024.
  ListenOptions& Backlog(int backlog) {
    values_.backlog = backlog;
    return *this;
  }

  struct Values {
    std::size_t connections_max = 10'000;
    int backlog = 1'024;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_LISTEN_OPTIONS_H_
