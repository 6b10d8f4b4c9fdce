#include "tests/machines/docker_machines.h"

namespace mobula::test {
namespace {

std::string NameOf(int machine) { return "m" + std::to_string(machine); }

std::string LastLine(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

}  // namespace

DockerMachines::DockerMachines(int count, const DockerEngine& docker)
    : Machines(count), docker_(docker) {
  Trouble(docker.trouble());
  if (trouble().empty()) BootAll();
}

DockerMachines::~DockerMachines() {
  Words words = {"rm", "--force", "--volumes"};
  for (const int machine : made_) words.push_back(NameOf(machine));
  if (!made_.empty()) Do(words);
}

std::string DockerMachines::Mobula() { return "/usr/local/bin/mobula"; }

void DockerMachines::Do(const Words& words) {
  const Ended ended = RunProgram(docker_.Command(words));
  if (ended.code != 0) Trouble("docker " + words.front() + ": " + ended.output);
}

Words DockerMachines::On(int machine, const Words& command) const {
  Words words = docker_.Command({"exec", "--interactive", NameOf(machine)});
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

// No right that a node would need, as deploy/docker/compose.yaml has it.
Words DockerMachines::MakeWords(int machine) {
  const std::string init = Bring("tests/machines/machine_init");
  return {"run",
          "--detach",
          "--name",
          NameOf(machine),
          "--hostname",
          NameOf(machine),
          "--network",
          "none",
          "--cap-drop",
          "ALL",
          "--security-opt",
          "no-new-privileges:true",
          "--no-healthcheck",
          "--volume",
          shared() + ":" + shared(),
          "--entrypoint",
          init,
          DockerEngine::image()};
}

std::string DockerMachines::Begin(int machine, std::string* error) {
  const Words words = made_.contains(machine) ? Words{"start", NameOf(machine)}
                                              : MakeWords(machine);
  made_.insert(machine);
  const Ended begun = RunProgram(docker_.Command(words));
  const Ended pid = RunProgram(docker_.Command(
      {"inspect", "--format", "{{.State.Pid}}", NameOf(machine)}));
  const std::string first = LastLine(pid.output);
  if (begun.code != 0 || pid.code != 0 || first == "0") {
    *error = begun.output + pid.output;
    return "";
  }
  return docker_.ProcOf(first) + "/ns/net";
}

void DockerMachines::End(int machine) { Do({"kill", NameOf(machine)}); }

void DockerMachines::Freeze(int machine) { Do({"pause", NameOf(machine)}); }

void DockerMachines::Thaw(int machine) { Do({"unpause", NameOf(machine)}); }

}  // namespace mobula::test
