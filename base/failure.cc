#include "base/failure.h"

#include <utility>

#include "base/codec/codec.h"
#include "base/text_line.h"

namespace mobula::base {
namespace {

std::string_view ExecutedText(Executed executed) {
  switch (executed) {
    case Executed::kNo:
      return "it did not run";
    case Executed::kMaybe:
      return "it may have run";
    case Executed::kYes:
      return "it ran";
  }
  return "it may have run";
}

void DescribeProcess(const Failure& failure, TextLine& line) {
  if (failure.pid == 0) return;
  line << "\n  in pid " << failure.pid;
  if (!failure.node.empty()) line << " on " << failure.node;
  if (failure.attempt != 0) line << ", attempt " << failure.attempt;
  if (failure.incarnation != 0) line << ", incarnation " << failure.incarnation;
  if (failure.signal != 0) {
    line << ", ended by signal " << failure.signal;
  } else if (failure.code == FailureCode::kWorkerDied) {
    line << ", ended with exit code " << failure.exit_code;
  }
}

}  // namespace

namespace {

// Of a failure with a trace there is one more.
constexpr std::size_t kFields = 13;

// Calls field(value) for each but the trace, in the order written.
template <class AFailure, class F>
bool ForEachField(AFailure& failure, F&& field) {
  return field(failure.code) && field(failure.executed) &&
         field(failure.message) && field(failure.function) &&
         field(failure.node) && field(failure.pid) && field(failure.attempt) &&
         field(failure.signal) && field(failure.exit_code) &&
         field(failure.incarnation) && field(failure.exception_type) &&
         field(failure.log_tail) && field(failure.standard_class);
}

}  // namespace

void Failure::MobulaEncode(Writer& out) const {
  out.Array(trace.IsNil() ? kFields : kFields + 1);
  ForEachField(*this, [&out](const auto& value) {
    WriteValue(out, value);
    return true;
  });
  if (!trace.IsNil()) WriteValue(out, trace);
}

bool Failure::MobulaDecode(Reader& in) {
  std::size_t count = 0;
  if (!in.Array(&count)) return false;
  if (count != kFields && count != kFields + 1) {
    return in.Fail("a failure of 13 or 14 fields");
  }
  trace = TraceId();
  const bool is_read =
      ForEachField(*this, [&in](auto& value) { return ReadValue(in, &value); });
  return is_read && (count == kFields || ReadValue(in, &trace));
}

Failure MakeFailure(FailureCode code, Executed executed, std::string message) {
  Failure failure;
  failure.code = code;
  failure.executed = executed;
  failure.message = std::move(message);
  return failure;
}

Failure NotRun(FailureCode code, std::string message) {
  return MakeFailure(code, Executed::kNo, std::move(message));
}

std::string_view FailureCodeName(FailureCode code) {
  switch (code) {
    case FailureCode::kUserException:
      return "TaskError";
    case FailureCode::kWorkerDied:
      return "WorkerDied";
    case FailureCode::kWorkerStart:
      return "WorkerStartError";
    case FailureCode::kActorDied:
      return "ActorDied";
    case FailureCode::kActorRestarted:
      return "ActorRestarted";
    case FailureCode::kTimeout:
      return "TimeoutError";
    case FailureCode::kCancelled:
      return "Cancelled";
    case FailureCode::kInfeasible:
      return "Infeasible";
    case FailureCode::kTooLarge:
      return "ValueTooLarge";
    case FailureCode::kDecode:
      return "DecodeError";
    case FailureCode::kNoSuchFunction:
      return "NoSuchFunction";
    case FailureCode::kRayletDied:
      return "RayletDied";
    case FailureCode::kShutdown:
      return "RuntimeClosed";
    case FailureCode::kLimit:
      return "LimitError";
    case FailureCode::kBadArgument:
      return "BadArgument";
    case FailureCode::kNameTaken:
      return "NameTaken";
    case FailureCode::kNoSuchActor:
      return "NoSuchActor";
    case FailureCode::kConflict:
      return "Conflict";
    case FailureCode::kControlAway:
      return "ControlAway";
    case FailureCode::kDiskFull:
      return "DiskFull";
    case FailureCode::kNoSuchJob:
      return "NoSuchJob";
    case FailureCode::kObjectStoreFull:
      return "ObjectStoreFull";
    case FailureCode::kObjectLost:
      return "ObjectLost";
    case FailureCode::kOwnerDied:
      return "OwnerDied";
    case FailureCode::kNoSuchObject:
      return "NoSuchObject";
    case FailureCode::kElsewhere:
      return "ValueElsewhere";
    case FailureCode::kCoHosted:
      return "CoHosted";
  }
  return "Unknown";  // a code of a newer peer
}

std::string DescribeFailure(const Failure& failure) {
  return DescribeFailure(failure, FailureCodeName(failure.code));
}

std::string DescribeFailure(const Failure& failure, std::string_view name) {
  TextLine line;
  line << name;
  if (!failure.exception_type.empty()) {
    line << " (" << failure.exception_type << ")";
  }
  if (!failure.function.empty()) line << " in " << failure.function;
  if (!failure.message.empty()) line << ": " << failure.message;
  // Where no function was to run there is nothing to say of it.
  if (!failure.function.empty() || failure.executed != Executed::kNo) {
    line << " (" << ExecutedText(failure.executed) << ")";
  }
  DescribeProcess(failure, line);
  if (!failure.trace.IsNil()) line << "\n  trace " << failure.trace.ToString();
  if (!failure.log_tail.empty()) line << "\n  its last lines:";
  for (const std::string& text : failure.log_tail) line << "\n    " << text;
  return line.text();
}

}  // namespace mobula::base
