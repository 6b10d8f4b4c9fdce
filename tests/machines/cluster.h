// Cluster is a cluster of Mobula over machines of a test, made as a user makes
// it: a head that listens by TLS, a token for each other machine.
//
//   Cluster cluster(*machines, {1, 2, 3, 4, 5});     // 1 is the head
//   ASSERT_EQ(cluster.trouble(), "");
//   EXPECT_TRUE(cluster.Comes(5));                   // alive
// Threading: one thread.
#ifndef MOBULA_TESTS_MACHINES_CLUSTER_H_
#define MOBULA_TESTS_MACHINES_CLUSTER_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/integration/running_program.h"
#include "tests/machines/machines.h"

namespace mobula::test {

class Cluster {
 public:
  // What the control store says, as `mobula status --json` has it; -1 where it
  // does not answer.
  struct State {
    int alive = -1;
    int dead = -1;
    std::string cluster;
  };

  // Starts all members; the first is the head.
  Cluster(Machines& machines, std::vector<int> members);

  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  // "tls:10.77.0.1:6380"
  [[nodiscard]] std::string address() const;

  // Of the head, and of another member; `token` is "" for one that has joined.
  Ended StartHead() const;
  Ended Join(int machine, const std::string& token) const;
  // All of them at once; "" or what went wrong first.
  [[nodiscard]] std::string JoinAll(const std::vector<int>& members,
                                    const std::string& token) const;
  // The file of a new token of so many uses, where all see it; "" if none.
  [[nodiscard]] std::string MakeToken(int uses);
  // `mobula WORDS...` on that machine.
  [[nodiscard]] Ended Tool(int machine, const Words& words) const;

  // As that machine is told; 0: as the head is.
  [[nodiscard]] State Look(int machine = 0) const;
  // Whether so many are alive, within the patience.
  [[nodiscard]] bool Comes(int alive, std::chrono::seconds patience =
                                          std::chrono::seconds(60)) const;
  // `voyager WORDS...` on that machine, to its end or begun there.
  [[nodiscard]] Ended Voyage(int machine, const Words& words) const;
  [[nodiscard]] std::unique_ptr<RunningProgram> BeginVoyage(
      int machine, const Words& words) const;
  // "" if tasks ran on so many nodes just now, each with the right answer;
  // else what happened, and what the nodes wrote.
  [[nodiscard]] std::string Trial(int machine, int nodes) const;

  // What the daemons of all members wrote last, for a failure.
  [[nodiscard]] std::string Logs() const;

 private:
  [[nodiscard]] Words JoinWords(const std::string& token) const;

  Machines& machines_;
  const std::vector<int> members_;
  int tokens_ = 0;
  std::string voyager_;  // the program's path on machines
  std::string trouble_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_CLUSTER_H_
