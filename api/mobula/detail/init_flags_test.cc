#include "api/mobula/detail/init_flags.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "api/mobula/error.h"

namespace mobula::detail {
namespace {

// Applies the flags; returns what is left, joined by blanks.
std::string Left(std::vector<std::string> words, InitOptions* options) {
  std::vector<char*> args;
  for (std::string& word : words) args.push_back(word.data());
  std::string left;
  for (const char* word : ApplyFlags(args, options).others) {
    left += (left.empty() ? "" : " ") + std::string(word);
  }
  return left;
}

std::string ErrorOf(const std::string& flag) {
  try {
    InitOptions options;
    Left({"program", flag}, &options);
    return "no error";
  } catch (const InitError& error) {
    return error.message();
  } catch (const BadArgument& error) {
    return error.message();
  }
}

TEST(InitFlagsTest, TakesItsOwnAndLeavesTheRest) {
  InitOptions options;
  EXPECT_EQ(
      Left({"program", "a", "--mobula-cpus=2.5", "-b", "--mobula-memory", "16G",
            "--mobula-resource=gpu=2", "--mobula-workers-max", "9",
            "--mobula-local", "--mobula-log-level=info", "--mobula-log-json",
            "--mobula-program=/x/mobula", "--mobula-object-store-memory=512MiB",
            "--mobula-spill-folder=/a", "--mobula-spill-folder", "b",
            "--mobula-weight=3", "c"},
           &options),
      "program a -b c");
  const InitOptions::Values& values = options.values();
  EXPECT_EQ(values.cpus, 2.5);
  EXPECT_EQ(values.memory_bytes, std::int64_t{16} << 30);
  EXPECT_EQ(values.object_store->Of(0), std::uint64_t{512} << 20);
  EXPECT_EQ(values.spill_folders, (std::vector<std::string>{"/a", "b"}));
  EXPECT_EQ(values.resources.at("gpu"), 2);
  EXPECT_EQ(values.workers_max, 9);
  EXPECT_EQ(values.weight, 3);
  EXPECT_TRUE(values.local);
  EXPECT_EQ(values.log_level, LogLevel::kInfo);
  EXPECT_EQ(values.log_json, true);
  EXPECT_EQ(values.program, "/x/mobula");
}

TEST(InitFlagsTest, TheStoreByOptionsAndByFlags) {
  InitOptions options;
  options.ObjectStoreMemory(0).SpillFolders({"/own"});
  EXPECT_TRUE(options.values().object_store->is_zero());
  EXPECT_EQ(Left({"p"}, &options), "p");
  EXPECT_EQ(options.values().spill_folders, std::vector<std::string>{"/own"});
  Left({"p", "--mobula-spill-folder=/flag", "--mobula-object-store-memory=30%"},
       &options);
  EXPECT_EQ(options.values().spill_folders, std::vector<std::string>{"/flag"});
  EXPECT_EQ(options.values().object_store->Of(1000), 300u);
  options.ObjectStoreMemory("2GiB");
  EXPECT_EQ(options.values().object_store->Of(0), std::uint64_t{2} << 30);
  EXPECT_THROW(options.ObjectStoreMemory(-1), BadArgument);
  EXPECT_THROW(options.ObjectStoreMemory("much"), BadArgument);
  EXPECT_THROW(options.SpillFolders({""}), BadArgument);
  EXPECT_THROW(options.SpillFolders({"/a\nb"}), BadArgument);
}

TEST(InitFlagsTest, AddressAndNamespace) {
  InitOptions options;
  EXPECT_EQ(Left({"p", "--mobula-address=unix:/a", "--mobula-namespace", "n"},
                 &options),
            "p");
  EXPECT_EQ(options.values().address, "unix:/a");
  EXPECT_EQ(options.values().ns, "n");
  // An address that the program itself gives is before the flag.
  Left({"p", "--mobula-address=auto"}, &options);
  EXPECT_EQ(options.values().address, "unix:/a");
}

TEST(InitFlagsTest, TheWeightIsOfTheFlagTheProgramOrTheEnvironment) {
  InitOptions options;
  EXPECT_EQ(WeightOf(options, ""), 1);
  EXPECT_EQ(WeightOf(options, "7"), 7);
  EXPECT_EQ(WeightOf(options, "1000"), 1'000);
  options.Weight(2);
  EXPECT_EQ(WeightOf(options, "7"), 2);
  Left({"p", "--mobula-weight", "5"}, &options);
  EXPECT_EQ(WeightOf(options, "7"), 5);
  EXPECT_EQ(WeightOf(options, "none"), 5) << "nobody asks for it";
  for (const char* const wrong : {"0", "1001", "-1", "2.5", "three", " 3"}) {
    try {
      WeightOf(InitOptions(), wrong);
      ADD_FAILURE() << wrong;
    } catch (const InitError& error) {
      EXPECT_EQ(error.message(),
                "MOBULA_WEIGHT=" + std::string(wrong) +
                    ": a whole number from 1 to 1000 is wanted");
    }
  }
  EXPECT_THROW(InitOptions().Weight(0), BadArgument);
  EXPECT_THROW(InitOptions().Weight(1'001), BadArgument);
}

TEST(InitFlagsTest, HelpNamesEveryFlag) {
  InitOptions options;
  std::string program = "p";
  std::string help = "--mobula-help";
  EXPECT_TRUE(ApplyFlags({program.data(), help.data()}, &options).help);
  EXPECT_FALSE(ApplyFlags({program.data()}, &options).help);
  for (const char* flag :
       {"address", "namespace", "cpus", "memory", "object-store-memory",
        "spill-folder", "resource", "workers-max", "weight", "local",
        "log-level", "program"}) {
    EXPECT_NE(FlagsHelp().find("--mobula-" + std::string(flag)),
              std::string::npos)
        << flag;
  }
}

TEST(InitFlagsTest, StopsAtTwoDashes) {
  InitOptions options;
  EXPECT_EQ(Left({"program", "--", "--mobula-cpus=2"}, &options),
            "program -- --mobula-cpus=2");
  EXPECT_FALSE(options.values().cpus.has_value());
}

TEST(InitFlagsTest, TheProgramsNameIsNoFlag) {
  InitOptions options;
  EXPECT_EQ(Left({"--mobula-x"}, &options), "--mobula-x");
  EXPECT_EQ(Left({}, &options), "");
}

TEST(InitFlagsTest, ErrorsSayWhatIsWanted) {
  const struct {
    std::string flag;
    std::string part;
  } kCases[] = {
      {"--mobula-cpus=many", "--mobula-cpus=many: a number above 0"},
      {"--mobula-cpus", "a number"},
      {"--mobula-cpus=-1", "cpu"},
      {"--mobula-cpus=0", "a number above 0"},
      {"--mobula-memory=1Q", "bytes"},
      {"--mobula-memory=99999999T", "bytes"},
      {"--mobula-memory=-1", "bytes"},
      {"--mobula-memory=0", "above 0"},
      {"--mobula-memory=50%", "bytes above 0"},
      {"--mobula-object-store-memory=-1", "less than nothing"},
      {"--mobula-object-store-memory=lots", "no amount"},
      {"--mobula-object-store-memory=200%", "more than all"},
      {"--mobula-object-store-memory=99999999T", "any machine"},
      {"--mobula-object-store-memory", "no amount"},
      {"--mobula-spill-folder=", "a folder"},
      {"--mobula-resource=gpu", "NAME=NUMBER"},
      {"--mobula-resource==1", "NAME=NUMBER"},
      {"--mobula-resource=gpu=x", "NAME=NUMBER"},
      {"--mobula-resource=cpu=1", "Cpus"},
      {"--mobula-workers-max=1.5", "whole number"},
      {"--mobula-workers-max=0", "at least 1"},
      {"--mobula-weight=0",
       "--mobula-weight=0: a whole number from 1 to 1000 is wanted"},
      {"--mobula-weight=1001", "from 1 to 1000"},
      {"--mobula-weight=-3", "from 1 to 1000"},
      {"--mobula-weight=2.5", "from 1 to 1000"},
      {"--mobula-weight=99999999999", "from 1 to 1000"},
      {"--mobula-weight", "--mobula-weight=: a whole number"},
      {"--mobula-log-level=loud", "debug, info, warning or error"},
      {"--mobula-address=", "an address, auto or embedded"},
      {"--mobula-namespace=a/b", "slash"},
      {"--mobula-speed=9", "no such flag; there are: help"},
  };
  for (const auto& each : kCases) {
    const std::string error = ErrorOf(each.flag);
    EXPECT_NE(error.find(each.part), std::string::npos)
        << each.flag << ": " << error;
  }
}

}  // namespace
}  // namespace mobula::detail
