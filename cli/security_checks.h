// What stands between this user's nodes and everybody else, for `mobula doctor
// --security`: each listener, the modes of folders and sockets, keys and tokens
// with their modes and ages.
//
//   for (const Check& check : CheckSecurity(UsualSecurityPlaces())) ...
// Threading: any; reads files and /proc.
// Failure: what cannot be found out is a check that failed.
#ifndef MOBULA_CLI_SECURITY_CHECKS_H_
#define MOBULA_CLI_SECURITY_CHECKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/check.h"

namespace mobula::cli {

// A socket of TCP at which a process of ours listens.
struct TcpListener {
  std::string process;  // "mobula-gcs, pid 17"
  std::string address;  // "127.0.0.1:80", "[::]:80"
  bool is_tls = false;
};

struct SecurityPlaces {
  std::vector<std::string> roots;  // as of base::SessionRoots
  std::vector<std::string>
      head_folders;          // the usual one, and of those that run
  std::string state_folder;  // with `credentials` and `tokens`
  std::vector<TcpListener> listeners;
  std::int64_t now_s = 0;  // wall clock
};
// Of this user, now.
SecurityPlaces UsualSecurityPlaces();

std::vector<Check> CheckSecurity(const SecurityPlaces& places);

// A line each, and what to do about those that are wrong.
std::string SecurityText(const std::vector<Check>& checks);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_SECURITY_CHECKS_H_
