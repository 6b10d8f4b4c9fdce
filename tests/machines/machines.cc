#include "tests/machines/machines.h"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "tests/netns/switch_words.h"

namespace mobula::test {

namespace fs = std::filesystem;

Machines::Machines(int count) : count_(count), folder_("mn") {
  std::error_code error;
  fs::create_directories(shared(), error);
  fs::permissions(shared(), fs::perms::all, error);
  if (error) Trouble("cannot make " + shared() + ": " + error.message());
  switch_ = std::make_unique<SwitchProcess>(count, folder());
  Trouble(switch_->trouble());
}

void Machines::Trouble(const std::string& what) {
  if (trouble_.empty()) trouble_ = what;
}

void Machines::Note(const std::string& what) const {
  const std::chrono::duration<double> since =
      std::chrono::steady_clock::now() - begun_;
  std::printf("%8.3f s  %s\n", since.count(), what.c_str());
  std::fflush(stdout);
}

std::string Machines::AddressOf(int machine) const {
  return "10.77." + std::to_string(machine / 256) + "." +
         std::to_string(machine % 256);
}

std::string Machines::shared() const { return folder() + "/shared"; }

std::string Machines::Bring(const std::string& name) {
  const fs::path from = ProgramPath(name);
  const std::string to = shared() + "/" + from.filename().string();
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::skip_existing, error);
  if (error) Trouble("cannot copy " + from.string() + ": " + error.message());
  return to;
}

Ended Machines::Run(int machine, const Words& command, int seconds) const {
  Words all = {"/usr/bin/timeout", "--kill-after=5", std::to_string(seconds)};
  const Words there = On(machine, command);
  all.insert(all.end(), there.begin(), there.end());
  return RunProgram(all);
}

std::unique_ptr<RunningProgram> Machines::Begin(int machine,
                                                const Words& command) const {
  return std::make_unique<RunningProgram>(On(machine, command), Words{});
}

void Machines::BootAll() {
  for (int machine = 1; machine <= count_ && trouble_.empty(); ++machine) {
    Boot(machine);
  }
}

void Machines::Boot(int machine) {
  Note("boot " + std::to_string(machine));
  std::string error;
  const std::string network = Begin(machine, &error);
  if (network.empty()) {
    return Trouble("machine " + std::to_string(machine) +
                   " did not start: " + error);
  }
  Trouble(switch_->Say("attach " + std::to_string(machine) + " " + network +
                       " " + AddressOf(machine) + "/16"));
}

void Machines::PowerOff(int machine) {
  Note("power off " + std::to_string(machine));
  Trouble(switch_->Say("detach " + std::to_string(machine)));
  End(machine);
}

void Machines::Pause(int machine) {
  Note("pause " + std::to_string(machine));
  Freeze(machine);
}

void Machines::Resume(int machine) {
  Note("resume " + std::to_string(machine));
  Thaw(machine);
}

void Machines::SetFaults(int from, int to, const Faults& faults) {
  const std::string word = LinkWord({from, to, faults});
  Note(word);
  Trouble(switch_->Say(word));
}

void Machines::CutOff(int machine) {
  SetFaults(machine, 0, {.cut = true});
  SetFaults(0, machine, {.cut = true});
}

void Machines::Heal(int machine) {
  SetFaults(machine, 0, {});
  SetFaults(0, machine, {});
}

}  // namespace mobula::test
