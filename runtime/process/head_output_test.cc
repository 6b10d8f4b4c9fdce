#include "runtime/process/head_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace mobula::runtime {
namespace {

struct Pipe {
  base::UniqueFd read, write;
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read.Reset(ends[0]);
    write.Reset(ends[1]);
  }
  void Say(const std::string& text) const {
    ASSERT_EQ(::write(write.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
};

TEST(HeadOutput, ReadsWhatIsThereUntilTheEnd) {
  Pipe pipe;
  HeadOutput output(std::move(pipe.read));
  EXPECT_TRUE(output.Read());
  pipe.Say("usage: ...\n");
  EXPECT_TRUE(output.Read());
  pipe.write.Reset();
  EXPECT_FALSE(output.Read());
  EXPECT_EQ(output.Tail(), "usage: ...");
}

TEST(HeadOutput, KeepsOnlyTheLastLines) {
  Pipe pipe;
  HeadOutput output(std::move(pipe.read));
  for (int i = 0; i < 5000; ++i) {
    pipe.Say("line " + std::to_string(i) + "\n");
    EXPECT_TRUE(output.Read());
  }
  const std::string tail = output.Tail();
  EXPECT_LE(tail.size(), 8192u);
  EXPECT_GT(tail.size(), 4000u);
  EXPECT_EQ(tail.substr(0, 5), "line ");
  EXPECT_EQ(tail.substr(tail.size() - 9), "line 4999");
}

TEST(HeadOutput, NoPipeIsAnEnd) {
  HeadOutput output{base::UniqueFd()};
  EXPECT_FALSE(output.Read());
  EXPECT_EQ(output.Tail(), "");
}

}  // namespace
}  // namespace mobula::runtime
