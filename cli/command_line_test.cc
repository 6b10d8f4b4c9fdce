#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace mobula::cli {
namespace {

Command Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "mobula");
  return ParseCommandLine(static_cast<int>(words.size()), words.data());
}

TEST(CommandLineTest, TheRayletsOwn) {
  const Command command = Parse({"raylet",
                                 "--driver-fd",
                                 "3",
                                 "--program-fd",
                                 "4",
                                 "--cpus",
                                 "1.5",
                                 "--memory",
                                 "1000000000000",
                                 "--resource",
                                 "gpu=2",
                                 "--resource",
                                 "a=b=0.5",
                                 "--workers-max",
                                 "8",
                                 "--object-store-memory",
                                 "32MiB",
                                 "--spill-folder",
                                 "/a",
                                 "--spill-folder",
                                 "b"});
  const auto* const raylet = std::get_if<raylet::RayletOptions>(&command);
  ASSERT_NE(raylet, nullptr);
  EXPECT_EQ(raylet->driver_fd, 3);
  EXPECT_EQ(raylet->program_fd, 4);
  EXPECT_EQ(raylet->cpus, 1.5);
  EXPECT_EQ(raylet->memory->Of(0), 1'000'000'000'000u);
  EXPECT_EQ(raylet->object_store->Of(0), 32u << 20);
  const std::string here = std::filesystem::current_path();
  EXPECT_EQ(raylet->spill_folders,
            (std::vector<std::string>{"/a", here + "/b"}));
  EXPECT_EQ(raylet->resources.at("gpu"), 2);
  EXPECT_EQ(raylet->resources.at("a=b"), 0.5);
  EXPECT_EQ(raylet->workers_max, 8);
}

TEST(CommandLineTest, WhatIsNotGivenIsNotSet) {
  const Command command =
      Parse({"raylet", "--driver-fd", "3", "--program-fd", "4"});
  const auto* const raylet = std::get_if<raylet::RayletOptions>(&command);
  ASSERT_NE(raylet, nullptr);
  EXPECT_FALSE(raylet->cpus || raylet->memory || raylet->workers_max);
  EXPECT_FALSE(raylet->object_store.has_value());
  EXPECT_TRUE(raylet->spill_folders.empty());
}

TEST(CommandLineTest, OfPeople) {
  EXPECT_TRUE(std::get<VersionCommand>(Parse({"version", "--json"})).json);
  const auto doctor = std::get<DoctorCommand>(Parse({"doctor", "--clean"}));
  EXPECT_TRUE(doctor.clean);
  EXPECT_FALSE(doctor.json);
}

TEST(CommandLineTest, TheLauncher) {
  const auto up = std::get<ClusterCommand>(Parse({"cluster", "up", "a.yaml"}));
  EXPECT_EQ(up.verb + up.file, "upa.yaml");
  // Behind -- nothing is ours, whatever it looks like.
  const auto exec = std::get<ClusterCommand>(
      Parse({"cluster", "exec", "--cluster", "c", "a-1", "--", "status",
             "--cluster", "--", "up"}));
  EXPECT_EQ(exec.verb, "exec");
  EXPECT_EQ(exec.cluster, "c");
  EXPECT_EQ(exec.node, "a-1");
  EXPECT_EQ(exec.command,
            (std::vector<std::string>{"status", "--cluster", "--", "up"}));
  const auto run =
      std::get<ClusterCommand>(Parse({"cluster", "run", "--", "./a", "-x"}));
  EXPECT_EQ(run.command, (std::vector<std::string>{"./a", "-x"}));
  const auto add =
      std::get<ClusterCommand>(Parse({"cluster", "add", "2", "small"}));
  EXPECT_EQ(add.verb + add.type, "addsmall");
  EXPECT_EQ(add.count, 2);
  const auto down =
      std::get<ClusterCommand>(Parse({"cluster", "down", "--forget"}));
  EXPECT_TRUE(down.verb == "down" && down.forget);
  const auto logs =
      std::get<ClusterCommand>(Parse({"cluster", "logs", "-n", "5", "-f"}));
  EXPECT_TRUE(logs.node.empty() && logs.follow && logs.lines == 5);
  for (const auto& bad :
       std::vector<std::vector<const char*>>{{"cluster"},
                                             {"cluster", "upp"},
                                             {"cluster", "up"},
                                             {"cluster", "exec", "a"},
                                             {"cluster", "run"},
                                             {"cluster", "add", "-1"},
                                             {"cluster", "add", "0"},
                                             {"cluster", "remove"}}) {
    EXPECT_EQ(std::get<Leave>(Parse(bad)).exit_code, 2) << bad.back();
  }
}

TEST(CommandLineTest, StartOfAHead) {
  const auto start = std::get<StartCommand>(Parse({"start",
                                                   "--head",
                                                   "--dir",
                                                   "d",
                                                   "--listen",
                                                   "127.0.0.1:0",
                                                   "--cpus",
                                                   "2",
                                                   "--resource",
                                                   "gpu=1",
                                                   "--label",
                                                   "zone=a=b",
                                                   "--label",
                                                   "rack=",
                                                   "--foreground",
                                                   "--memory",
                                                   "50%",
                                                   "--object-store-memory",
                                                   "0",
                                                   "--node-listen",
                                                   "tls:10.0.0.1:7000"}));
  EXPECT_TRUE(start.head && start.foreground);
  EXPECT_EQ(start.dir, "d");
  EXPECT_EQ(start.listen, "127.0.0.1:0");
  EXPECT_EQ(start.offers.node_listen, "tls:10.0.0.1:7000");
  EXPECT_EQ(start.offers.cpus, 2);
  EXPECT_EQ(start.offers.memory->Of(1000), 500u);
  EXPECT_TRUE(start.offers.object_store->is_zero());
  EXPECT_EQ(start.offers.resources.at("gpu"), 1);
  EXPECT_EQ(start.labels.at("zone"), "a=b");
  EXPECT_EQ(start.labels.at("rack"), "");
}

TEST(CommandLineTest, StopOfOneOrAll) {
  EXPECT_EQ(std::get<StopCommand>(Parse({"stop"})).node, "");
  EXPECT_EQ(std::get<StopCommand>(Parse({"stop", "a3f0"})).node, "a3f0");
  EXPECT_TRUE(std::get<StopCommand>(Parse({"stop", "--all"})).all);
}

TEST(CommandLineTest, LookingAndKilling) {
  const auto logs =
      std::get<LogsCommand>(Parse({"logs", "raylet", "-f", "-n", "7"}));
  EXPECT_EQ(logs.which, "raylet");
  EXPECT_TRUE(logs.follow);
  EXPECT_EQ(logs.lines, 7);
  EXPECT_EQ(std::get<StackCommand>(Parse({"stack", "17"})).pid, 17);
  const auto kill = std::get<KillCommand>(
      Parse({"kill", "actor:a", "--restart", "--address", "unix:/x"}));
  EXPECT_EQ(kill.target, "actor:a");
  EXPECT_EQ(kill.store.address, "unix:/x");
  EXPECT_TRUE(kill.restart);
}

TEST(CommandLineTest, TheControlStoresOwn) {
  const Command command =
      Parse({"gcs", "--dir", "/d", "--listen", "unix:/a", "--listen",
             "127.0.0.1:0", "--ready-fd", "3", "--disk-reserve", "0"});
  const auto* const gcs = std::get_if<gcs::GcsOptions>(&command);
  ASSERT_NE(gcs, nullptr);
  EXPECT_EQ(gcs->dir, "/d");
  EXPECT_EQ(gcs->listen, (std::vector<std::string>{"unix:/a", "127.0.0.1:0"}));
  EXPECT_EQ(gcs->ready_fd, 3);
  EXPECT_EQ(gcs->serve_fd, -1);
  EXPECT_EQ(gcs->reserve_bytes, 0);
}

TEST(CommandLineTest, Looking) {
  const auto list = std::get<ListCommand>(
      Parse({"list", "actors", "--all", "--json", "--address", "unix:/x"}));
  EXPECT_EQ(list.what, "actors");
  EXPECT_TRUE(list.all && list.json);
  EXPECT_EQ(list.store.address, "unix:/x");
  EXPECT_TRUE(std::get<StatusCommand>(Parse({"status", "--json"})).json);
  EXPECT_EQ(std::get<GetCommand>(Parse({"get", "a3f0"})).which, "a3f0");
}

TEST(CommandLineTest, ListOfTasks) {
  const auto plain = std::get<ListCommand>(Parse({"list", "tasks"}));
  EXPECT_EQ(plain.tasks.limit, 100u);
  EXPECT_EQ(plain.tasks.patience_ms, 2'000u);
  EXPECT_EQ(plain.tasks.group_by, "");
  const auto all = std::get<ListCommand>(
      Parse({"list", "tasks", "--job", "d0", "--limit", "7", "--group-by",
             "function", "--patience", "50", "--json"}));
  EXPECT_TRUE(all.json);
  EXPECT_EQ(all.tasks.job, "d0");
  EXPECT_EQ(all.tasks.limit, 7u);
  EXPECT_EQ(all.tasks.group_by, "function");
  EXPECT_EQ(all.tasks.patience_ms, 50u);
  for (const auto& wrong : {"--group-by", "--limit", "--patience"}) {
    const Command command = Parse({"list", "tasks", wrong, "-1"});
    EXPECT_EQ(std::get<Leave>(command).exit_code, 2);
  }
  const auto refused =
      std::get<Leave>(Parse({"list", "nodes", "--limit", "7"}));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.text.find("--limit: is for tasks, not for nodes"),
            std::string::npos)
      << refused.text;
}

TEST(CommandLineTest, Memory) {
  const auto plain = std::get<MemoryCommand>(Parse({"memory"}));
  EXPECT_EQ(plain.selection.limit, 100u);
  EXPECT_EQ(plain.patience_ms, 2'000u);
  EXPECT_FALSE(plain.json);
  const auto all = std::get<MemoryCommand>(
      Parse({"memory", "--json", "--job", "d0", "--limit", "7", "--group-by",
             "owner", "--patience", "50", "--address", "unix:/x"}));
  EXPECT_TRUE(all.json);
  EXPECT_EQ(all.selection.job, "d0");
  EXPECT_EQ(all.selection.limit, 7u);
  EXPECT_EQ(all.selection.group_by, "owner");
  EXPECT_EQ(all.patience_ms, 50u);
  EXPECT_EQ(all.store.address, "unix:/x");
  for (const auto& wrong : {"--group-by", "--limit", "--patience"}) {
    EXPECT_EQ(std::get<Leave>(Parse({"memory", wrong, "-1"})).exit_code, 2);
  }
}

TEST(CommandLineTest, CompletionKnowsTheCommands) {
  const auto bash = std::get<Leave>(Parse({"completion", "bash"}));
  EXPECT_EQ(bash.exit_code, 0);
  EXPECT_NE(bash.text.find("list) words='nodes jobs actors workers tasks "
                           "objects "),
            std::string::npos)
      << bash.text;
  EXPECT_NE(bash.text.find("--follow"), std::string::npos);
  EXPECT_NE(bash.text.find("--group-by"), std::string::npos);
  EXPECT_EQ(bash.text.find("report-node-dead"), std::string::npos);
  EXPECT_EQ(std::get<Leave>(Parse({"completion", "tcsh"})).exit_code, 2);
  EXPECT_EQ(std::get<Leave>(Parse({"list", "things"})).exit_code, 2);
}

TEST(CommandLineTest, HelpIsNotAnError) {
  const auto leave = std::get<Leave>(Parse({"--help"}));
  EXPECT_EQ(leave.exit_code, 0);
  EXPECT_NE(leave.text.find("doctor"), std::string::npos);
}

TEST(CommandLineTest, WrongUsesSayWhatIsWrong) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"nonsense"},
      {"raylet"},
      {"raylet", "--driver-fd", "x", "--program-fd", "4"},
      {"raylet", "--driver-fd", "3", "--program-fd", "4", "--resource", "gpu"},
      {"raylet", "--driver-fd", "3", "--program-fd", "4", "--resource", "=1"},
      {"raylet", "--driver-fd", "3", "--program-fd", "4", "--cpus", "many"},
      {"doctor", "--wash"},
      {"gcs"},
      {"kill"},
      {"stack"},
      {"stack", "me"},
      {"logs", "-n", "-1"},
      {"start"},
      {"start", "--head", "--address", "127.0.0.1:1"},
      {"start", "--address", "127.0.0.1:1", "--dir", "d"},
      {"start", "--head", "--cpus", "-1"},
      {"start", "--head", "--workers-max", "0"},
      {"start", "--head", "--memory", "0"},
      {"start", "--head", "--memory", "-1"},
      {"start", "--head", "--memory", "16Gigs"},
      {"start", "--head", "--memory", "99999999T"},
      {"start", "--head", "--object-store-memory", "-1"},
      {"start", "--head", "--object-store-memory", "lots"},
      {"start", "--head", "--object-store-memory", "101%"},
      {"start", "--head", "--object-store-memory", ""},
      {"start", "--head", "--spill-folder", ""},
      {"start", "--head", "--label", "zone"},
      {"start", "--head", "--resource", "gpu=-1"},
      {"stop", "--all", "a3f0"},
  };
  for (const auto& words : wrong) {
    const Command command = Parse(words);
    const auto* const leave = std::get_if<Leave>(&command);
    ASSERT_NE(leave, nullptr);
    EXPECT_EQ(leave->exit_code, 2);
    EXPECT_FALSE(leave->text.empty());
  }
}

TEST(CommandLineTest, WrongNumbersAndAddressesAreSaidInOneLine) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> wrong = {
      {{"start", "--head", "--cpus", "x"},
       "mobula: --cpus: x is no number from 0 on\n"},
      {{"start", "--head", "--cpus", "nan"},
       "mobula: --cpus: nan is no number from 0 on\n"},
      {{"start", "--head", "--cpus", "1e9"},
       "mobula: --cpus: 1e9 is too many: a node may offer 1000000 at most\n"},
      {{"start", "--head", "--cpus", "2", "--resource", "cpu=4"},
       "mobula: --resource: cpu=4: --cpus says that\n"},
      {{"start", "--head", "--resource", "memory=4"},
       "mobula: --resource: memory=4: --memory says that\n"},
      {{"start", "--head", "--resource", "a=1", "--resource", "a=2"},
       "mobula: --resource: a is given twice\n"},
      {{"start", "--head", "--log-level", "loud"},
       "mobula: --log-level: loud is not debug, info, warning or error\n"},
      {{"start", "--head", "--memory", "0"},
       "mobula: --memory: a node without any is of no use\n"},
      {{"start", "--head", "--memory", "-5"},
       "mobula: --memory: '-5' is less than nothing; wanted is a number of"},
      {{"start", "--head", "--object-store-memory", "5Q"},
       "mobula: --object-store-memory: '5Q' has an unknown unit"},
      {{"logs", "-n", "-1"}, "mobula: --lines: -1 is no number from 0 on\n"},
      {{"stack", "me"}, "mobula: PID: me is no number above 0\n"},
      {{"start", "--head", "--listen", "here"},
       "mobula: --listen: \"here\" is no address"},
      {{"start", "--address", "head:9"}, "mobula: --address: the host of"},
      {{"status", "--address", "there"},
       "mobula: --address: \"there\" is no address"},
  };
  for (const auto& [words, says] : wrong) {
    const Command command = Parse(words);
    const auto* const leave = std::get_if<Leave>(&command);
    ASSERT_NE(leave, nullptr) << says;
    EXPECT_EQ(leave->exit_code, 2);
    EXPECT_TRUE(leave->text.starts_with(says)) << leave->text;
  }
}

TEST(CommandLineTest, HowItLogs) {
  const auto start = std::get<StartCommand>(
      Parse({"start", "--head", "--log-level", "debug", "--log-json"}));
  EXPECT_EQ(start.offers.log.level, base::LogLevel::kDEBUG);
  EXPECT_EQ(start.offers.log.json, true);
  const auto gcs = std::get<gcs::GcsOptions>(
      Parse({"gcs", "--dir", "d", "--log-level", "error"}));
  EXPECT_EQ(gcs.log.level, base::LogLevel::kERROR);
  EXPECT_FALSE(gcs.log.json.has_value());
}

TEST(CommandLineTest, HelpSaysHowCompletionIsLoaded) {
  const auto leave = std::get<Leave>(Parse({"completion", "--help"}));
  EXPECT_NE(leave.text.find("source <(mobula completion bash)"),
            std::string::npos)
      << leave.text;
}

TEST(CommandLineTest, HelpNamesAllThatCanBeListed) {
  const auto leave = std::get<Leave>(Parse({"list", "--help"}));
  EXPECT_EQ(leave.exit_code, 0);
  EXPECT_NE(leave.text.find("tasks or objects"), std::string::npos)
      << leave.text;
}

TEST(CommandLineTest, AWordThatIsNoCommandIsNamed) {
  const auto leave = std::get<Leave>(Parse({"nonsense"}));
  EXPECT_TRUE(leave.text.starts_with("mobula: there is no command nonsense\n"))
      << leave.text;
  EXPECT_NE(leave.text.find("doctor"), std::string::npos);
}

TEST(CommandLineTest, WithoutACommandThereIsHelp) {
  const auto leave = std::get<Leave>(Parse({}));
  EXPECT_NE(leave.text.find("doctor"), std::string::npos);
}

TEST(CommandLineTest, TokensAreMadeForATimeAndSoManyMachines) {
  const Command usual = Parse({"token", "create"});
  const auto* const one = std::get_if<TokenCommand>(&usual);
  ASSERT_NE(one, nullptr);
  EXPECT_EQ(one->lives_s, 3600);
  EXPECT_EQ(one->uses, 1U);
  EXPECT_FALSE(one->show);
  const Command many =
      Parse({"token", "create", "--ttl", "30m", "--uses", "200", "--out", "f"});
  const auto* const given = std::get_if<TokenCommand>(&many);
  ASSERT_NE(given, nullptr);
  EXPECT_EQ(given->lives_s, 1800);
  EXPECT_EQ(given->uses, 200U);
  EXPECT_EQ(given->out, "f");
  for (const std::vector<const char*>& wrong :
       std::vector<std::vector<const char*>>{
           {"token"},
           {"token", "show"},
           {"token", "create", "--ttl", "0s"},
           {"token", "create", "--ttl", "1"},
           {"token", "create", "--ttl", "25h"},
           {"token", "create", "--ttl", "1hh"},
           {"token", "create", "--ttl", "-1h"},
           {"token", "create", "--uses", "0"},
           {"token", "create", "--uses", "1001"},
           {"token", "create", "--show", "--out", "f"},
           {"token", "create", "SECRET"},
       }) {
    const Command command = Parse(wrong);
    const auto* const leave = std::get_if<Leave>(&command);
    ASSERT_NE(leave, nullptr) << wrong.back();
    EXPECT_EQ(leave->exit_code, 2) << wrong.back();
  }
}

}  // namespace
}  // namespace mobula::cli
