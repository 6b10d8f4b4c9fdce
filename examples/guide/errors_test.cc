// The snippets of docs/guide/errors.md.
#include <gtest/gtest.h>
#include <mobula/mobula.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

namespace guide {

int ParsePort(const std::string& text) {
  const int port = std::stoi(text);
  if (port < 1 || port > 65535) throw std::out_of_range("no port: " + text);
  return port;
}

void Crash() {
  std::cerr << "about to fall" << std::endl;
  std::abort();
}

bool MayBeDoneAgain(const mobula::Error& error) {
  return error.executed() == mobula::Executed::kNo;
}

int listening_to = 0;
void Listen(int port) { listening_to = port; }

// What the snippets print, which the tests look at.
class CapturedErrors {
 public:
  CapturedErrors() { testing::internal::CaptureStderr(); }
  ~CapturedErrors() {
    if (!is_taken_) (void)testing::internal::GetCapturedStderr();
  }
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;

  std::string Take() {
    is_taken_ = true;
    return testing::internal::GetCapturedStderr();
  }

 private:
  bool is_taken_ = false;
};

class ErrorsTest : public testing::Test {
 protected:
  mobula::Runtime runtime_ = mobula::Init(mobula::InitOptions().Cpus(2));
};

TEST_F(ErrorsTest, WhatYourCodeThrew) {
  CapturedErrors errors;
  try {
    mobula::Get(mobula::Spawn<ParsePort>("70000"));
  } catch (const std::out_of_range& e) {
    std::cerr << e.what() << "\n";
  }
  try {
    mobula::Get(mobula::Spawn<ParsePort>("port"));
  } catch (const mobula::TaskError& e) {
    std::cerr << e.function() << " threw " << e.exception_type()
              << " in process " << e.pid() << ": " << e.message() << "\n";
  }
  const std::string said = errors.Take();
  EXPECT_NE(said.find("no port: 70000"), std::string::npos) << said;
  EXPECT_NE(said.find("guide::ParsePort threw std::invalid_argument"),
            std::string::npos)
      << said;
}

TEST_F(ErrorsTest, WhatTheWorldDid) {
  CapturedErrors errors;
  try {
    mobula::Get(mobula::Spawn<Crash>(mobula::TaskOptions().Retries(0)));
  } catch (const mobula::WorkerDied& e) {
    std::cerr << "signal " << e.signal() << " in attempt " << e.attempt()
              << "\n";
    for (const std::string& line : e.log_lines()) std::cerr << line << "\n";
  }
  const std::string said = errors.Take();
  const std::string story =
      "signal " + std::to_string(SIGABRT) + " in attempt 1\n";
  EXPECT_NE(said.find(story), std::string::npos) << said;
  EXPECT_NE(said.find("about to fall\n", said.find(story)), std::string::npos)
      << said;
}

TEST_F(ErrorsTest, DidItRun) {
  const auto threw = mobula::Spawn<ParsePort>("70000").TryGet();
  ASSERT_FALSE(threw.ok());
  EXPECT_FALSE(MayBeDoneAgain(threw.error()));
  const auto never =
      mobula::Spawn<ParsePort>(mobula::TaskOptions().Resource("none", 1), "80")
          .TryGet();
  ASSERT_FALSE(never.ok());
  EXPECT_TRUE(MayBeDoneAgain(never.error()));
}

TEST_F(ErrorsTest, WithoutExceptions) {
  CapturedErrors errors;
  mobula::Result<int> port = mobula::TryGet(mobula::Spawn<ParsePort>("70000"));
  if (port.ok()) {
    Listen(*port);
  } else {
    switch (port.error().code()) {
      case mobula::ErrorCode::kUserException:
        std::cerr << "bad port: " << port.error().message() << "\n";
        break;
      default:
        port.error().Throw();
    }
  }
  EXPECT_EQ(listening_to, 0);
  EXPECT_NE(errors.Take().find("bad port: no port: 70000"), std::string::npos);
}

}  // namespace guide
