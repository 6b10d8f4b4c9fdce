#include "api/mobula/error.h"

#include <gtest/gtest.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "api/mobula/result.h"

namespace mobula {
namespace {

base::Failure Of(ErrorCode code, std::string standard_class = "") {
  base::Failure failure;
  failure.code = code;
  failure.message = "the message";
  failure.standard_class = std::move(standard_class);
  return failure;
}

// Whether it is caught as E, as Error and as std::exception.
template <class E>
bool ThrownAs(ErrorCode code) {
  bool as_error = false;
  bool as_standard = false;
  try {
    detail::ThrowFailure(Of(code));
  } catch (const Error& error) {
    as_error = error.code() == code && error.message() == "the message";
  }
  try {
    detail::ThrowFailure(Of(code));
  } catch (const std::exception& error) {
    as_standard =
        std::string(error.what()).find("the message") != std::string::npos;
  }
  try {
    detail::ThrowFailure(Of(code));
  } catch (const E&) {
    return as_error && as_standard;
  } catch (...) {
  }
  return false;
}

TEST(ErrorTest, EachCodeHasItsClass) {
  EXPECT_TRUE(ThrownAs<TaskError>(ErrorCode::kUserException));
  EXPECT_TRUE(ThrownAs<WorkerDied>(ErrorCode::kWorkerDied));
  EXPECT_TRUE(ThrownAs<WorkerStartError>(ErrorCode::kWorkerStart));
  EXPECT_TRUE(ThrownAs<ActorDied>(ErrorCode::kActorDied));
  EXPECT_TRUE(ThrownAs<ActorRestarted>(ErrorCode::kActorRestarted));
  EXPECT_TRUE(ThrownAs<TimeoutError>(ErrorCode::kTimeout));
  EXPECT_TRUE(ThrownAs<Cancelled>(ErrorCode::kCancelled));
  EXPECT_TRUE(ThrownAs<Infeasible>(ErrorCode::kInfeasible));
  EXPECT_TRUE(ThrownAs<ValueTooLarge>(ErrorCode::kTooLarge));
  EXPECT_TRUE(ThrownAs<DecodeError>(ErrorCode::kDecode));
  EXPECT_TRUE(ThrownAs<NoSuchFunction>(ErrorCode::kNoSuchFunction));
  EXPECT_TRUE(ThrownAs<RayletDied>(ErrorCode::kRayletDied));
  EXPECT_TRUE(ThrownAs<RuntimeClosed>(ErrorCode::kShutdown));
  EXPECT_TRUE(ThrownAs<LimitError>(ErrorCode::kLimit));
  EXPECT_TRUE(ThrownAs<BadArgument>(ErrorCode::kBadArgument));
  EXPECT_TRUE(ThrownAs<NoSuchObject>(ErrorCode::kNoSuchObject));
  EXPECT_TRUE(ThrownAs<ValueElsewhere>(ErrorCode::kElsewhere));
  EXPECT_TRUE(ThrownAs<std::invalid_argument>(ErrorCode::kBadArgument));
  EXPECT_TRUE(ThrownAs<std::length_error>(ErrorCode::kTooLarge));
  EXPECT_TRUE(ThrownAs<std::runtime_error>(ErrorCode::kWorkerDied));
  EXPECT_FALSE(ThrownAs<WorkerDied>(ErrorCode::kActorDied));
  EXPECT_FALSE(ThrownAs<std::logic_error>(ErrorCode::kWorkerDied));
}

// what() of the error, as one would see it uncaught.
std::string WhatOf(ErrorCode code) {
  try {
    detail::ThrowFailure(Of(code));
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(ErrorTest, TheTextBeginsWithTheNameOfTheClassToCatch) {
  EXPECT_TRUE(WhatOf(ErrorCode::kUserException).starts_with("TaskError"));
  EXPECT_TRUE(WhatOf(ErrorCode::kTimeout).starts_with("TimeoutError"));
  EXPECT_TRUE(WhatOf(ErrorCode::kShutdown).starts_with("RuntimeClosed"));
  try {
    detail::ThrowInitError("no `mobula` was found");
  } catch (const InitError& error) {
    EXPECT_STREQ(error.what(), "InitError: no `mobula` was found");
  }
}

template <class Standard>
void ExpectTaskError(const std::string& name) {
  EXPECT_THROW(detail::ThrowFailure(Of(ErrorCode::kUserException, name)),
               Standard)
      << name;
  EXPECT_THROW(detail::ThrowFailure(Of(ErrorCode::kUserException, name)),
               TaskError)
      << name;
}

TEST(ErrorTest, TaskErrorsAreOfTheStandardClassToo) {
  ExpectTaskError<std::bad_alloc>("std::bad_alloc");
  ExpectTaskError<std::invalid_argument>("std::invalid_argument");
  ExpectTaskError<std::domain_error>("std::domain_error");
  ExpectTaskError<std::length_error>("std::length_error");
  ExpectTaskError<std::out_of_range>("std::out_of_range");
  ExpectTaskError<std::logic_error>("std::logic_error");
  ExpectTaskError<std::range_error>("std::range_error");
  ExpectTaskError<std::overflow_error>("std::overflow_error");
  ExpectTaskError<std::underflow_error>("std::underflow_error");
  ExpectTaskError<std::runtime_error>("std::runtime_error");
  ExpectTaskError<std::runtime_error>("");
  ExpectTaskError<std::runtime_error>("of::a::newer::peer");
}

TEST(ErrorTest, CopiesShareTheStoryAndThrowAgain) {
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
  base::Failure failure = Of(ErrorCode::kWorkerDied);
  failure.signal = 9;
  failure.pid = 77;
  failure.log_tail = {"last words"};
  const Error error(failure);
  const Error copy = error;
  EXPECT_EQ(copy.signal(), 9);
  EXPECT_EQ(copy.pid(), 77);
  EXPECT_EQ(&copy.log_lines(), &error.log_lines());
  EXPECT_NE(std::string(copy.what()).find("last words"), std::string::npos);
  EXPECT_THROW(copy.Throw(), WorkerDied);
}

TEST(ResultTest, HoldsAValueOrAnError) {
  Result<std::string> good = std::string("value");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(*good, "value");
  EXPECT_EQ(good->size(), 5u);
  EXPECT_EQ(std::move(good).value(), "value");
  const Result<std::string> bad = Error(Of(ErrorCode::kTimeout));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), ErrorCode::kTimeout);
  EXPECT_THROW((void)bad.value(), TimeoutError);
  EXPECT_NO_THROW(Result<void>().value());
  EXPECT_THROW(Result<void>(Error(Of(ErrorCode::kTimeout))).value(),
               TimeoutError);
}

}  // namespace
}  // namespace mobula
