#include "base/failure.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/codec/codec.h"

namespace mobula::base {
namespace {

TEST(FailureTest, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 1; code <= static_cast<int>(FailureCode::kBadArgument);
       ++code) {
    const auto name = FailureCodeName(static_cast<FailureCode>(code));
    EXPECT_NE(name, "Unknown") << code;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(FailureCodeName(static_cast<FailureCode>(200)), "Unknown");
}

TEST(FailureTest, DescribesADeadWorker) {
  Failure failure;
  failure.code = FailureCode::kWorkerDied;
  failure.message = "the worker ended";
  failure.function = "CountWords";
  failure.node = "alpha";
  failure.pid = 42;
  failure.attempt = 2;
  failure.signal = 9;
  failure.log_tail = {"one", "two"};
  EXPECT_EQ(DescribeFailure(failure),
            "WorkerDied in CountWords: the worker ended (it may have run)\n"
            "  in pid 42 on alpha, attempt 2, ended by signal 9\n"
            "  its last lines:\n    one\n    two");
}

TEST(FailureTest, DescribesAnException) {
  Failure failure;
  failure.exception_type = "std::runtime_error";
  failure.message = "no such file";
  failure.executed = Executed::kYes;
  EXPECT_EQ(DescribeFailure(failure),
            "TaskError (std::runtime_error): no such file (it ran)");
}

TEST(FailureTest, NamesNoProcessWhereNoneRanIt) {
  Failure failure;
  failure.function = "Render";
  failure.code = FailureCode::kInfeasible;
  failure.message = "it needs 64 cpus";
  failure.node = "alpha";
  failure.executed = Executed::kNo;
  EXPECT_EQ(DescribeFailure(failure),
            "Infeasible in Render: it needs 64 cpus (it did not run)");
}

TEST(FailureTest, SaysNothingOfAFunctionThatThereIsNot) {
  Failure failure;
  failure.code = FailureCode::kShutdown;
  failure.message = "there is no runtime";
  failure.executed = Executed::kNo;
  EXPECT_EQ(DescribeFailure(failure), "RuntimeClosed: there is no runtime");
  EXPECT_EQ(DescribeFailure(failure, "InitError"),
            "InitError: there is no runtime");
}

TEST(FailureTest, SaysItsTrace) {
  Failure failure = NotRun(FailureCode::kTimeout, "too late");
  failure.function = "F";
  failure.trace = {0x1234, 0x5678};
  EXPECT_EQ(DescribeFailure(failure),
            "TimeoutError in F: too late (it did not run)\n"
            "  trace 00000000000012340000000000005678");
}

// What was written before there were traces is read, and written the same.
TEST(FailureTest, WithoutATraceItIsWhatItWas) {
  Failure failure;
  failure.code = FailureCode::kWorkerDied;
  failure.message = "m";
  failure.log_tail = {"one", "two"};
  failure.standard_class = "std::out_of_range";
  for (const TraceId trace : {TraceId(), TraceId{1, 2}}) {
    failure.trace = trace;
    const std::string bytes = Encode(failure);
    EXPECT_EQ(static_cast<unsigned char>(bytes[0]),
              trace.IsNil() ? 0x9d : 0x9e);  // an array of 13, of 14
    Failure read;
    read.trace = {9, 9};
    std::string error;
    ASSERT_TRUE(Decode(bytes, &read, &error)) << error;
    EXPECT_EQ(read, failure);
  }
  Failure read;
  std::string error;
  EXPECT_FALSE(Decode(Encode(std::vector<std::string>(12)), &read, &error));
  EXPECT_NE(error.find("a failure of 13 or 14 fields"), std::string::npos)
      << error;
}

}  // namespace
}  // namespace mobula::base
