// Init begins the runtime of this program; the Runtime that it returns ends it.
//
//   int main(int argc, char** argv) {
//     mobula::Runtime runtime = mobula::Init(argc, argv);
//     ...
//   }                                           // ended here
//
// Where it begins: at InitOptions::Address, else --mobula-address, else
// MOBULA_ADDRESS, else at a node that `mobula start` began on this machine,
// else with a head for this program alone (the program `mobula`, found by
// MOBULA_HOME, beside the executable, in the runfiles or on the path), which
// ends with this program, also when it is killed. Where the address is of a
// cluster that has no node on this machine, it begins with a node of that which
// offers no slots and ends with this program too. "embedded" as address asks
// for a head; without an address so does a program that says what its node
// offers (Cpus, Memory, ObjectStoreMemory, SpillFolders, Resource, WorkersMax,
// Program). At a node that runs already several programs share its slots by
// their weights (InitOptions::Weight, --mobula-weight, MOBULA_WEIGHT). Workers
// run this executable; main never runs in them. In local
// mode everything runs in this process and thread, for debuggers and unit
// tests. argv: --mobula-help, --mobula-address ADDRESS, --mobula-namespace
// NAME, --mobula-weight N, --mobula-cpus N, --mobula-memory SIZE,
// --mobula-object-store-memory SIZE, --mobula-spill-folder PATH (repeats),
// --mobula-resource NAME=N,
// --mobula-workers-max N, --mobula-local, --mobula-log-level
// debug|info|warning|error, --mobula-program PATH; also as --mobula-cpus=N.
// They win over InitOptions (but for Address) and are taken out of argv. What
// comes after "--" is not looked at. Threading: Init and Shutdown from one
// thread at a time.
#ifndef MOBULA_API_MOBULA_INIT_H_
#define MOBULA_API_MOBULA_INIT_H_

#include <memory>
#include <string>

#include "api/mobula/init_options.h"  // IWYU pragma: export

namespace mobula {

namespace detail {
class Session;
}  // namespace detail

// The runtime of this program while it lives. Movable, not copyable.
class Runtime {
 public:
  Runtime(Runtime&& other) noexcept;
  Runtime& operator=(Runtime&& other) noexcept;
  // Shutdown.
  ~Runtime();

  // Ends this program's workers, and its head where it has one of its own; what
  // they wrote has been delivered. Detached actors at a node that `mobula
  // start` began stay. Refs and actor handles are inert from here on. Twice is
  // once; Init may follow.
  void Shutdown();

  // Host name, and what the node offers in all.
  [[nodiscard]] std::string NodeName() const;
  [[nodiscard]] double Cpus() const;

 private:
  explicit Runtime(std::shared_ptr<detail::Session> session);
  friend Runtime Init(const InitOptions& options);
  std::shared_ptr<detail::Session> session_;
};

// Throw InitError, with what to do: no `mobula` found (and where it was looked
// for), another version of it, no resources, a second runtime, unknown
// --mobula- flag, an address that is none or where nobody listens, a node that
// does not answer. --mobula-help prints the flags and ends the
// program.
Runtime Init(const InitOptions& options);
Runtime Init(int& argc, char** argv);
Runtime Init(int& argc, char** argv, InitOptions options);
// As above for an argc that cannot change: nothing is taken out of argv.
Runtime Init(const int& argc, char** argv);
Runtime Init(const int& argc, char** argv, InitOptions options);

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_INIT_H_
