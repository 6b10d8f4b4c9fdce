// net_floors: what two network namespaces joined by a link can do at best for
// the shapes of the rows of net_calls: TCP, and TLS 1.3 over it, without any
// runtime.
//
//   net_floors HERE THERE ADDRESS [SECONDS [BYTES]]
//
// HERE and THERE are names of namespaces (`ip netns`), ADDRESS an IPv4 address
// of THERE; each probe runs SECONDS (default 0.5), or moves BYTES (default 1
// GiB). Prints lines `name value unit cpu_us_per_op`, which net.sh reads:
//   tcp_rtt, tls_rtt     round trips of 64 bytes/s, one at a time
//   tcp_msgs, tls_msgs   64-byte messages answered/s, 1,000 on their way
//   tcp_bulk, tls_bulk   GB/s one way, in writes of 1 MiB (CPU: seconds for 1
//   GB)
// CPU time is that of both ends.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/cpu_seconds.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessage = 64;
constexpr std::size_t kWindow = 1000;
constexpr std::size_t kBlock = 1 << 20;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "net_floors: %s: %s\n", what.c_str(),
               std::strerror(errno));
  std::exit(1);
}

void Enter(const std::string& netns) {
  const int fd = open(("/run/netns/" + netns).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) Fail("namespace " + netns);
  close(fd);
}

// A connection: plain, or with TLS when `ssl` is there. Blocking.
struct Line {
  int fd = -1;
  SSL* ssl = nullptr;

  std::size_t Read(char* bytes, std::size_t size) const {
    const auto count = ssl != nullptr
                           ? static_cast<std::int64_t>(
                                 SSL_read(ssl, bytes, static_cast<int>(size)))
                           : static_cast<std::int64_t>(read(fd, bytes, size));
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  void Write(const char* bytes, std::size_t size) const {
    while (size > 0) {
      const auto count =
          ssl != nullptr ? static_cast<std::int64_t>(
                               SSL_write(ssl, bytes, static_cast<int>(size)))
                         : static_cast<std::int64_t>(write(fd, bytes, size));
      if (count <= 0) Fail("write");
      bytes += count;
      size -= static_cast<std::size_t>(count);
    }
  }
  void ReadAll(char* bytes, std::size_t size) const {
    while (size > 0) {
      const std::size_t count = Read(bytes, size);
      if (count == 0) Fail("read");
      bytes += count;
      size -= count;
    }
  }
};

SSL_CTX* ServerRules() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX* rules = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate(rules, certificate) != 1 ||
      SSL_CTX_use_PrivateKey(rules, key) != 1) {
    Fail("certificate");
  }
  return rules;
}

void Talk(Line* line, SSL_CTX* rules, bool is_server) {
  line->ssl = SSL_new(rules);
  SSL_set_fd(line->ssl, line->fd);
  if ((is_server ? SSL_accept(line->ssl) : SSL_connect(line->ssl)) != 1) {
    Fail("handshake");
  }
}

void SendAtOnce(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Gives back what comes; of bulk one byte for each block's last one.
void Serve(const Line& line, bool is_bulk) {
  std::vector<char> bytes(kBlock);
  std::size_t taken = 0;
  for (;;) {
    const std::size_t count = line.Read(bytes.data(), bytes.size());
    if (count == 0) return;
    if (!is_bulk) {
      line.Write(bytes.data(), count);
      continue;
    }
    for (taken += count; taken >= kBlock; taken -= kBlock) {
      line.Write(bytes.data(), 1);
    }
  }
}

struct Ends {
  std::string here;
  std::string there;
  std::string address;
};

// How many operations `probe` made, and how long it took.
struct Ran {
  double operations = 0;
  double seconds = 0;
};

// One connection and a process at its other end, around `probe`.
void Report(const char* name, const char* unit, const Ends& ends, bool has_tls,
            bool is_bulk, const std::function<Ran(const Line&)>& probe) {
  std::array<int, 2> ready{};
  if (pipe(ready.data()) != 0) Fail("pipe");
  const double cpu = mobula::bench::TreeCpuSeconds();
  const pid_t child = fork();
  if (child == 0) {
    Enter(ends.there);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    inet_pton(AF_INET, ends.address.c_str(), &at.sin_addr);
    socklen_t size = sizeof at;
    if (bind(listener, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size) != 0 ||
        write(ready[1], &at, sizeof at) != sizeof at) {
      Fail("listen on " + ends.address);
    }
    Line line{accept(listener, nullptr, nullptr)};
    SendAtOnce(line.fd);
    if (has_tls) Talk(&line, ServerRules(), true);
    Serve(line, is_bulk);
    _exit(0);
  }
  sockaddr_in at{};
  if (read(ready[0], &at, sizeof at) != sizeof at) Fail("the other end");
  Line line{socket(AF_INET, SOCK_STREAM, 0)};
  if (connect(line.fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) {
    Fail("connect");
  }
  SendAtOnce(line.fd);
  if (has_tls) Talk(&line, SSL_CTX_new(TLS_client_method()), false);
  const Ran ran = probe(line);
  close(line.fd);
  close(ready[0]);
  close(ready[1]);
  waitpid(child, nullptr, 0);
  std::printf("%s %.3f %s %.3f\n", name, ran.operations / ran.seconds, unit,
              (mobula::bench::TreeCpuSeconds() - cpu) * 1e6 / ran.operations);
  std::fflush(stdout);
}

// Batches of so many messages, each awaited whole.
Ran Exchange(const Line& line, double seconds, std::size_t batch) {
  std::vector<char> bytes(kMessage * batch);
  const Clock::time_point start = Clock::now();
  Ran ran;
  while (ran.seconds < seconds) {
    line.Write(bytes.data(), bytes.size());
    line.ReadAll(bytes.data(), bytes.size());
    ran.operations += static_cast<double>(batch);
    ran.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return ran;
}

Ran Bulk(const Line& line, std::uint64_t byte_count) {
  std::vector<char> bytes(kBlock, 'x');
  const Clock::time_point start = Clock::now();
  const std::uint64_t blocks = byte_count / kBlock;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    line.Write(bytes.data(), bytes.size());
  }
  line.ReadAll(bytes.data(), blocks);
  return {static_cast<double>(blocks * kBlock) / 1e9,
          std::chrono::duration<double>(Clock::now() - start).count()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: net_floors HERE THERE ADDRESS [SECONDS [BYTES]]\n");
    return 2;
  }
  const Ends ends{argv[1], argv[2], argv[3]};
  const double seconds = argc > 4 ? std::atof(argv[4]) : 0.5;
  const std::uint64_t byte_count =
      argc > 5 ? std::strtoull(argv[5], nullptr, 10) : std::uint64_t{1} << 30;
  Enter(ends.here);
  for (const bool has_tls : {false, true}) {
    const std::string kind = has_tls ? "tls_" : "tcp_";
    Report((kind + "rtt").c_str(), "/s", ends, has_tls, false,
           [seconds](const Line& line) { return Exchange(line, seconds, 1); });
    Report((kind + "msgs").c_str(), "/s", ends, has_tls, false,
           [seconds](const Line& line) {
             return Exchange(line, seconds, kWindow);
           });
    Report((kind + "bulk").c_str(), "GB/s", ends, has_tls, true,
           [byte_count](const Line& line) { return Bulk(line, byte_count); });
  }
  return 0;
}
