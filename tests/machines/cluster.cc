#include "tests/machines/cluster.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/integration/eventually.h"

namespace mobula::test {
namespace {

constexpr int kPort = 6380;
constexpr int kStatusSeconds = 15;

std::string TextOf(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// What follows `"KEY":` there.
std::string ValueOf(const std::string& json, const std::string& key) {
  const std::string before = "\"" + key + "\":";
  const std::size_t at = json.find(before);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + before.size();
  return json.substr(begin, json.find_first_of(",}", begin) - begin);
}

}  // namespace

Cluster::Cluster(Machines& machines, std::vector<int> members)
    : machines_(machines), members_(std::move(members)) {
  voyager_ = machines_.Bring("tests/machines/voyager");
  trouble_ = machines_.trouble();
  if (!trouble_.empty()) return;
  const Ended head = StartHead();
  if (head.code != 0) {
    trouble_ = "the head did not start: " + head.output;
    return;
  }
  const std::vector<int> others(members_.begin() + 1, members_.end());
  if (others.empty()) return;
  const std::string token = MakeToken(static_cast<int>(others.size()));
  if (trouble_.empty()) trouble_ = JoinAll(others, token);
}

std::string Cluster::address() const {
  return "tls:" + machines_.AddressOf(members_.front()) + ":" +
         std::to_string(kPort);
}

Ended Cluster::Tool(int machine, const Words& words) const {
  Words all = {machines_.Mobula()};
  all.insert(all.end(), words.begin(), words.end());
  return machines_.Run(machine, all);
}

Ended Cluster::StartHead() const {
  return Tool(members_.front(), {"start", "--head", "--listen", address(),
                                 "--cpus", "1", "--patience", "90"});
}

Words Cluster::JoinWords(const std::string& token) const {
  Words words = {"start", "--address",  address(), "--cpus",
                 "2",     "--patience", "90"};
  if (!token.empty()) words.insert(words.end(), {"--token-file", token});
  return words;
}

Ended Cluster::Join(int machine, const std::string& token) const {
  return Tool(machine, JoinWords(token));
}

std::string Cluster::JoinAll(const std::vector<int>& members,
                             const std::string& token) const {
  struct Joining {
    int machine;
    std::string output;
    std::unique_ptr<RunningProgram> program;
  };
  std::vector<Joining> all;
  for (const int machine : members) {
    const std::string output =
        machines_.shared() + "/join." + std::to_string(machine);
    Words words = {"/bin/sh", "-c", "exec \"$@\" >" + output + " 2>&1", "sh",
                   machines_.Mobula()};
    const Words more = JoinWords(token);
    words.insert(words.end(), more.begin(), more.end());
    all.push_back({machine, output, machines_.Begin(machine, words)});
  }
  std::string trouble;
  for (const Joining& one : all) {
    if (one.program->End() == 0 || !trouble.empty()) continue;
    trouble = "machine " + std::to_string(one.machine) +
              " did not join: " + TextOf(one.output) + Logs();
  }
  return trouble;
}

std::string Cluster::MakeToken(int uses) {
  const std::string file = machines_.shared() + "/token." +
                           std::to_string(members_.front()) + "." +
                           std::to_string(++tokens_);
  const Ended made =
      Tool(members_.front(),
           {"token", "create", "--uses", std::to_string(uses), "--out", file});
  if (made.code == 0) return file;
  if (trouble_.empty()) trouble_ = "no token: " + made.output;
  return "";
}

Cluster::State Cluster::Look(int machine) const {
  const int from = machine == 0 ? members_.front() : machine;
  const Ended ended = machines_.Run(
      from, {machines_.Mobula(), "status", "--json"}, kStatusSeconds);
  State state;
  const std::string alive = ValueOf(ended.output, "nodes_alive");
  if (alive.empty()) return state;
  state.alive = std::atoi(alive.c_str());
  state.dead = std::atoi(ValueOf(ended.output, "nodes_dead").c_str());
  state.cluster = ValueOf(ended.output, "cluster");
  return state;
}

bool Cluster::Comes(int alive, std::chrono::seconds patience) const {
  const bool comes =
      Eventually([this, alive] { return Look().alive == alive; }, patience);
  machines_.Note(std::to_string(alive) +
                 " nodes alive: " + (comes ? "yes" : "no"));
  return comes;
}

Ended Cluster::Voyage(int machine, const Words& words) const {
  Words all = {voyager_};
  all.insert(all.end(), words.begin(), words.end());
  return machines_.Run(machine, all);
}

std::unique_ptr<RunningProgram> Cluster::BeginVoyage(int machine,
                                                     const Words& words) const {
  Words all = {voyager_};
  all.insert(all.end(), words.begin(), words.end());
  return machines_.Begin(machine, all);
}

std::string Cluster::Trial(int machine, int nodes) const {
  const Ended ended = Voyage(machine, {"everywhere"});
  machines_.Note("work from " + std::to_string(machine) + ": " +
                 ended.output.substr(0, ended.output.find('\n')));
  const std::string wanted =
      "everywhere: " + std::to_string(nodes) + " nodes\n";
  if (ended.code == 0 && ended.output.ends_with(wanted)) return "";
  return ended.output + Logs();
}

std::string Cluster::Logs() const {
  std::string all = machines_.Packets();
  for (const int machine : members_) {
    for (const char* const of : {"keeper", "gcs", "raylet"}) {
      if (of == std::string("gcs") && machine != members_.front()) continue;
      const Ended ended = machines_.Run(
          machine, {machines_.Mobula(), "logs", of, "--lines", "30"}, 5);
      all += "---- machine " + std::to_string(machine) + ", " + of + "\n" +
             ended.output;
    }
  }
  return all;
}

}  // namespace mobula::test
