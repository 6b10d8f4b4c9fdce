// SwarmOptions is what one seed means: how big the node is, what its programs
// do, and how badly the world treats them.
//
// A seed switches a random part of the features and of the faults off, so that
// the thousand seeds of a run differ in kind and not only in order (swarm
// testing: https://www.cs.utah.edu/~regehr/papers/swarm12.pdf).
// Threading: a value.
#ifndef MOBULA_TESTS_SIM_SWARM_OPTIONS_H_
#define MOBULA_TESTS_SIM_SWARM_OPTIONS_H_

#include <cstdint>
#include <string>

#include "base/boot_time.h"
#include "base/ids.h"
#include "tests/sim/rng.h"

namespace mobula::sim {

// Shares and chances are in [0, 1].
struct NetworkOptions {
  double drop = 0;  // of a packet
  double duplicate = 0;
  double reorder = 0;  // overtakes, or is overtaken
  double tail = 0;     // is delayed by tail_delay on top
  double stale = 0;    // comes back later, as of a former epoch
  base::Duration delay_median{50'000};
  double delay_sigma = 0.5;
  base::Duration tail_delay{0};
  // Mean time between one-way cuts of some link; zero: none.
  base::Duration cut_interval{0};
  base::Duration cut_length_max{0};
};

struct ProcessOptions {
  // Effects carried out between two kills; zero: none.
  double effects_per_kill = 0;
  int kills_max = 0;
  double start_failure = 0;  // a worker cannot be started
  double early_exit = 0;     // it ends before it registers
  base::Duration start_delay_median{2'000'000};
  base::Duration pause_interval{0};  // mean time between pauses; zero: none
  base::Duration pause_length_max{0};
  // Of the dead whose link seems open for a while: a child of theirs holds it.
  double late_eof = 0;
  bool kill_driver = false;
  bool kill_raylet = false;
};

struct WorkloadOptions {
  int drivers = 1;
  int operations = 100;  // of all drivers together
  int window = 16;       // operations in flight of one driver
  int actors = 0;        // of one driver
  base::Duration run_median{1'000'000};
  double call = 0;     // share of actor calls among operations
  double nested = 0;   // of tasks that spawn tasks and wait
  double deep = 0;     // of those children that do so again
  double depends = 0;  // chance that an argument is a ref
  double throws = 0;
  double crashes = 0;  // ends its own process
  double timeout = 0;
  double put = 0;
  double bound = 0;  // of calls bound to an incarnation
  double wide = 0;   // of tasks that want more than one cpu
  double infeasible = 0;
  double constructor_throws = 0;
  double exit_actor = 0;       // of calls that call ExitActor
  double kill_actor = 0;       // chance a Kill goes beside a call
  double foreign_handle = 0;   // of tasks that call an actor of their owner
  double pending_limit = 0;    // of actors with a small pending_calls_max
  double forget = 0;           // of refs dropped before they are settled
  double unwatched_burst = 0;  // chance to submit a whole window at once
  double makes_actor = 0;      // of tasks that make an actor of their own
  double early_drop = 0;       // of actors let go while calls are in flight
  double lull = 0;             // chance that a program does nothing for long
  double cancel = 0;           // chance that one is cancelled beside another
  double shared = 0;           // of the actors of a driver that share a worker
};

// What programs do with objects and refs.
struct RefOptions {
  int deeds = 0;       // of a driver, beside its operations
  double use = 0;      // of functions that do some too
  double pass = 0;     // of calls with refs inside of an argument
  double resolve = 0;  // chance that one more argument is a ref of any owner
  double nest = 0;     // of values with refs inside
  double fat = 0;      // of those, with many
  double take = 0;     // of refs that are found in a value
  double keep = 0;     // chance that an actor keeps one more
  double stored = 0;   // of values that lie in the node's store
  double large = 0;    // of those, of hundreds of KiB
  int store_mib = 0;   // of the store; none: there is none
  double spill_fails = 0;  // of arenas that are to go to disk
  // Of values that are to come back: their bytes are lost.
  double restore_fails = 0;
};

// The log of the control store.
struct DiskOptions {
  base::Duration sync_median{1'000'000};
  double sync_fails = 0;            // a sync, and then the process ends
  base::Duration full_interval{0};  // mean time between; zero: never full
  base::Duration full_length_max{0};
};

// The control store, and the nodes that have joined it.
struct ControlOptions {
  bool on = false;
  bool embedded = false;  // one node; the store starts when it is asked for
  int nodes = 1;
  // Effects of the store between two kills; zero: none.
  double effects_per_kill = 0;
  int kills_max = 0;
  base::Duration restart_max{0};     // until the next life begins
  double long_outage = 0;            // of deaths with half a minute until then
  int raylet_kills_max = 0;          // another node comes for each
  double silent_death = 0;           // of raylets whose janitor dies too
  base::Duration break_interval{0};  // mean time between faults of lines
  base::Duration block_length_max{0};
  int history_max = 10'000;  // of publications
  int held_max = 100'000;    // effects that wait for the disk
  int operations = 0;        // asked of the store, of one driver
  int keys = 1;
  int names = 1;
  double detached = 0;     // of the actors with a name
  double crash_actor = 0;  // of calls that end the actor's process
  double end_actor = 0;    // of operations
  double ask_timeout = 0;  // of those asked with a short one
};

struct SwarmOptions {
  std::uint64_t seed = 0;
  int cpus = 4;
  int workers_max = 64;
  // Of links that carry messages as encoded bytes rather than as values.
  bool encode = false;
  NetworkOptions network;
  ProcessOptions processes;
  WorkloadOptions workload;
  DiskOptions disk;
  ControlOptions control;
  RefOptions refs;
  // Faults end then, whatever the programs have done by that time.
  base::Duration faults_end{std::chrono::seconds(20)};

  // What the seed stands for.
  static SwarmOptions FromSeed(std::uint64_t seed);
  // One line for people.
  [[nodiscard]] std::string ToString() const;
};

}  // namespace mobula::sim

#endif  // MOBULA_TESTS_SIM_SWARM_OPTIONS_H_
