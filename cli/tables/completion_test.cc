#include "cli/tables/completion.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

namespace mobula::cli {
namespace {

const std::vector<CommandWords>& Commands() {
  static const std::vector<CommandWords> commands = {
      {"start", "begins a node", {"--head", "--address"}, {}},
      {"status", "what there is", {"--json"}, {}},
      {"list", "lists 'things'", {"--json", "-n"}, {"nodes", "jobs"}},
  };
  return commands;
}

// What bash offers for the words of a line, the last being completed.
std::string Offered(const std::string& line) {
  const std::string script = testing::TempDir() + "/completion.bash";
  std::ofstream(script) << Completion("bash", Commands()) << "COMP_WORDS=("
                        << line
                        << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_mobula\n"
                        << "echo \"${COMPREPLY[*]}\"\n";
  const std::string command = "bash " + script;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(
      ::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 256> text{};
  if (std::fgets(text.data(), text.size(), pipe.get()) == nullptr) return "?";
  return text.data();
}

TEST(CompletionTest, BashOffersWhatFits) {
  EXPECT_EQ(Offered("mobula ''"), "start status list\n");
  EXPECT_EQ(Offered("mobula sta"), "start status\n");
  EXPECT_EQ(Offered("mobula list ''"), "nodes jobs --json -n\n");
  EXPECT_EQ(Offered("mobula list --"), "--json\n");
  EXPECT_EQ(Offered("mobula start --h"), "--head\n");
  EXPECT_EQ(Offered("mobula nonsense ''"), "\n");
}

TEST(CompletionTest, ZshAndFish) {
  const std::string zsh = Completion("zsh", Commands());
  EXPECT_NE(zsh.find("'list:lists things'"), std::string::npos) << zsh;
  EXPECT_NE(zsh.find("list) compadd -- nodes jobs --json -n"),
            std::string::npos);
  const std::string fish = Completion("fish", Commands());
  EXPECT_NE(fish.find("-n '__fish_seen_subcommand_from list' -a 'nodes jobs'"),
            std::string::npos)
      << fish;
  EXPECT_NE(fish.find("from list' -s n\n"), std::string::npos);
  EXPECT_EQ(Completion("tcsh", Commands()), "");
}

}  // namespace
}  // namespace mobula::cli
