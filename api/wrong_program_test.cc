// Compiles wrong_program.cc and checks that each wrong line leads to just one
// error, which says what its comment says.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace mobula {
namespace {

constexpr char kProgram[] = "api/wrong_program.cc";

// What a comment of each line expects of the compiler.
std::map<int, std::string> Expected() {
  const std::regex wrong(R"(^  .*;\s+// (.*)$)");
  std::map<int, std::string> expected;
  std::ifstream program(kProgram);
  std::string text;
  for (int line = 1; std::getline(program, text); ++line) {
    std::smatch match;
    if (std::regex_match(text, match, wrong)) expected[line] = match[1];
  }
  return expected;
}

std::vector<std::string> OutputOf(const std::string& command) {
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string output;
  char block[4096];
  std::size_t size = 0;
  while ((size = std::fread(block, 1, sizeof(block), pipe)) > 0) {
    output.append(block, size);
  }
  ::pclose(pipe);
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end = 0; (end = output.find('\n', start)) != output.npos;
       start = end + 1) {
    lines.push_back(output.substr(start, end - start));
  }
  return lines;
}

// The line of the program that an output line begins with, else 0.
int LineOf(const std::string& output) {
  static const std::regex place(R"(^[^ ]*wrong_program\.cc:(\d+):.*)");
  std::smatch match;
  return std::regex_match(output, match, place) ? std::stoi(match[1]) : 0;
}

// Errors by the program's line that leads to them. GCC says first from where it
// came to the error, clang after it.
std::multimap<int, std::string> Errors(const std::vector<std::string>& output,
                                       bool is_clang) {
  std::multimap<int, std::string> errors;
  std::string pending;
  int from = 0;
  for (const std::string& line : output) {
    const std::size_t error = line.find("error: ");
    const int here = LineOf(line);
    if (error != line.npos && line.find(": error: ") != line.npos) {
      if (!pending.empty()) errors.emplace(0, pending);
      pending = line.substr(error);
      if (!is_clang || here != 0) {
        errors.emplace(here != 0 ? here : from, pending);
        pending.clear();
      }
    } else if (here != 0) {
      from = here;
      if (!pending.empty()) errors.emplace(here, pending);
      pending.clear();
    }
  }
  if (!pending.empty()) errors.emplace(0, pending);
  return errors;
}

void ExpectOneErrorALine(const std::string& compiler, bool is_clang) {
  const std::map<int, std::string> expected = Expected();
  ASSERT_GE(expected.size(), 59u);
  const std::vector<std::string> output = OutputOf(
      compiler + " -std=c++20 -fsyntax-only -I. -Iapi " + kProgram + " 2>&1");
  const std::multimap<int, std::string> errors = Errors(output, is_clang);
  for (const auto& [line, message] : errors) {
    EXPECT_TRUE(expected.contains(line)) << "line " << line << ": " << message;
  }
  for (const auto& [line, part] : expected) {
    ASSERT_EQ(errors.count(line), 1u) << "line " << line << ": " << part;
    EXPECT_NE(errors.find(line)->second.find(part), std::string::npos)
        << "line " << line << " wants \"" << part << "\", the error is "
        << errors.find(line)->second;
  }
}

TEST(WrongProgramTest, GccSaysWhatIsWrong) {
  ExpectOneErrorALine("LC_ALL=C g++", false);
}

TEST(WrongProgramTest, ClangSaysWhatIsWrong) {
  if (std::system("clang++-19 --version >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no clang++-19 here";
  }
  ExpectOneErrorALine("clang++-19 -ferror-limit=0", true);
}

}  // namespace
}  // namespace mobula
