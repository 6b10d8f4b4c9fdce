// Machines are several machines of a test on one network of their own, each
// with an address, processes and files of its own, which can be switched off,
// frozen, and cut off from one another.
//
//   std::unique_ptr<Machines> machines = MakeMachines(5);   // make_machines.h
//   ASSERT_EQ(machines->trouble(), "");
//   Ended ended = machines->Run(2, {"/bin/hostname"});
//   machines->SetFaults(1, 2, {.loss = 0.3});
//   machines->PowerOff(2);
//   machines->Boot(2);
// They are numbered from 1. What they are made of is the backend's: network
// namespaces or containers; packets between them go through the switch of
// tests/netns either way. All of it goes with this object, and with the
// process, however that ends.
// Threading: one thread.
// Failure: what cannot be done is a sentence in trouble().
#ifndef MOBULA_TESTS_MACHINES_MACHINES_H_
#define MOBULA_TESTS_MACHINES_MACHINES_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/programs.h"
#include "tests/integration/running_program.h"
#include "tests/machines/switch_process.h"
#include "tests/machines/test_folder.h"
#include "tests/netns/link.h"

namespace mobula::test {

using Words = std::vector<std::string>;

class Machines {
 public:
  virtual ~Machines() = default;
  Machines(const Machines&) = delete;
  Machines& operator=(const Machines&) = delete;

  // What went wrong first, "" if nothing.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] int count() const { return count_; }
  // "10.77.0.3" of machine 3.
  [[nodiscard]] std::string AddressOf(int machine) const;

  // A folder that each machine has at this path, writable for all.
  [[nodiscard]] std::string shared() const;
  // A copy there of a program of this tree (ProgramPath), its path.
  std::string Bring(const std::string& name);
  // The program `mobula` as the machines have it.
  [[nodiscard]] virtual std::string Mobula() = 0;

  // What runs the command on that machine, when it is run here.
  [[nodiscard]] virtual Words On(int machine, const Words& command) const = 0;
  // Runs it to its end there; killed after so long.
  [[nodiscard]] Ended Run(int machine, const Words& command,
                          int seconds = 120) const;
  // Begins it there; it has no more deadline than its reader has.
  [[nodiscard]] std::unique_ptr<RunningProgram> Begin(
      int machine, const Words& command) const;

  // As if the plug was pulled: nothing of it says a last word.
  void PowerOff(int machine);
  // With the files that it had.
  void Boot(int machine);
  // All of its processes stand still, its network does not.
  void Pause(int machine);
  void Resume(int machine);

  // Of packets from one to another; 0: from or to each.
  void SetFaults(int from, int to, const Faults& faults);
  // Both ways, from and to all others.
  void CutOff(int machine);
  // All links of it are without faults.
  void Heal(int machine);
  void HealAll() { SetFaults(0, 0, {}); }
  // Prints what the test does, and when, for who reads a failure.
  void Note(const std::string& what) const;
  // What passed and what was lost, for people.
  std::string Packets() { return switch_ ? switch_->Counts() : ""; }

 protected:
  explicit Machines(int count);
  // Each is booted; the constructor of a backend calls it last.
  void BootAll();
  [[nodiscard]] const std::string& folder() const { return folder_.path(); }
  void Trouble(const std::string& what);

  // Begins the machine; the path of its network namespace here.
  virtual std::string Begin(int machine, std::string* error) = 0;
  virtual void End(int machine) = 0;
  virtual void Freeze(int machine) = 0;
  virtual void Thaw(int machine) = 0;

 private:
  const int count_;
  const std::chrono::steady_clock::time_point begun_ =
      std::chrono::steady_clock::now();
  TestFolder folder_;
  std::unique_ptr<SwitchProcess> switch_;
  std::string trouble_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_MACHINES_MACHINES_H_
