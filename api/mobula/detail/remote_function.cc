#include "api/mobula/detail/remote_function.h"

#include <cxxabi.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <variant>

#include "api/mobula/coro/detail/setting.h"
#include "api/mobula/detail/function_key.h"
#include "api/mobula/detail/running.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "api/mobula/values/encoding.h"
#include "api/mobula/values/place.h"
#include "api/mobula/values/put_options.h"
#include "base/check.h"
#include "base/threads/item_stream.h"
#include "runtime/executor/current.h"

namespace mobula::detail {
namespace {

// An argument that did not decode: the function has not run.
struct Refusal {
  base::Failure failure;
};

std::string Demangle(const std::type_info& type) {
  int status = 0;
  char* const text =
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  std::string name = text != nullptr ? text : type.name();
  std::free(text);
  return name;
}

template <class Class>
bool Is(const std::exception& exception) {
  return dynamic_cast<const Class*>(&exception) != nullptr;
}

// The most derived of the classes that ThrowFailure can throw again.
std::string_view StandardClass(const std::exception& e) {
  if (Is<std::bad_alloc>(e)) return "std::bad_alloc";
  if (Is<std::invalid_argument>(e)) return "std::invalid_argument";
  if (Is<std::domain_error>(e)) return "std::domain_error";
  if (Is<std::length_error>(e)) return "std::length_error";
  if (Is<std::out_of_range>(e)) return "std::out_of_range";
  if (Is<std::logic_error>(e)) return "std::logic_error";
  if (Is<std::range_error>(e)) return "std::range_error";
  if (Is<std::overflow_error>(e)) return "std::overflow_error";
  if (Is<std::underflow_error>(e)) return "std::underflow_error";
  if (Is<std::runtime_error>(e)) return "std::runtime_error";
  return "";
}

// An Error of ours that the function let through: of another task's exception
// the type stays what it was.
void DescribeError(const Error& error, base::Failure* failure) {
  failure->message = error.message();
  if (!error.function().empty()) {
    failure->message = error.function() + ": " + error.message();
  }
  if (error.code() == ErrorCode::kUserException) {
    failure->exception_type = error.exception_type();
    failure->standard_class = error.failure().standard_class;
  } else {
    failure->exception_type =
        "mobula::" + std::string(base::FailureCodeName(error.code()));
    failure->standard_class = "std::runtime_error";
  }
}

Context::Origin OriginOfRun() {
  const runtime::CurrentExecution* const current = runtime::Current();
  if (current == nullptr) return {};
  return {current->task, current->scope, current->deadline, current->stop};
}

// A result waits so long for room while its function's arguments are kept.
constexpr base::Duration kRoomSoon = std::chrono::milliseconds(100);

bool IsStoreFull(const base::Outcome& outcome) {
  const auto* const failure = std::get_if<base::Failure>(&outcome);
  return failure != nullptr &&
         failure->code == base::FailureCode::kObjectStoreFull;
}

// By `store` in the node's store where it is long and there is one.
template <typename StoreFn>
base::Outcome Placed(Encoding& encoding, const base::ObjectName& name,
                     const StoreFn& store) {
  std::shared_ptr<const Session> session = Session::Current();
  const bool may_store = session != nullptr && session->backend() != nullptr &&
                         !name.object.IsNil();
  if (encoding.is_short() ||
      (!may_store && encoding.size() <= kValueBytesMax)) {
    return encoding.Inline();
  }
  if (!may_store) return TooLarge(encoding.size());
  return store(std::move(session));
}

base::Outcome PlacedResult(Encoding& encoding, base::Invocation& invocation) {
  const base::ObjectName& name = invocation.result;
  return Placed(encoding, name, [&](std::shared_ptr<const Session> session) {
    const base::BootTime deadline = session->DeadlineAfter(kStoreTimeout);
    base::Outcome outcome = encoding.Store(
        session, name, session->DeadlineAfter(kRoomSoon), &invocation.digest);
    if (IsStoreFull(outcome)) {
      invocation.place_later = encoding.StoreLater(
          std::move(session), name, deadline, &invocation.digest);
    }
    return outcome;
  });
}

base::Outcome PlacedItem(Encoding& encoding, const base::ObjectName& name) {
  return Placed(encoding, name, [&](std::shared_ptr<const Session> session) {
    const base::BootTime deadline = session->DeadlineAfter(kStoreTimeout);
    return encoding.Store(std::move(session), name, deadline);
  });
}

base::Outcome WithCause(base::Outcome outcome, std::string_view function) {
  if (auto* const failure = std::get_if<base::Failure>(&outcome)) {
    failure->executed = base::Executed::kYes;
    failure->function = function;
    failure->pid = ::getpid();
    failure->message = "its result: " + failure->message;
  }
  return outcome;
}

// `place` is writable data of the function's own.
base::FunctionEntry* MakeEntry(const void* place,
                               const std::type_info& function,
                               const std::type_info& signature,
                               std::string_view name) {
  auto* const entry = new base::FunctionEntry;
  const std::string_view mangled = function.name();
  entry->key = HasLocalName(mangled) || HasLocalName(signature.name())
                   ? ModulePlace(place)
                   : std::string(mangled);
  entry->key += '|';
  entry->key += signature.name();
  entry->id = HashKey(entry->key);
  entry->name = name;
  return entry;
}

}  // namespace

Registration::Registration(const std::type_info& function,
                           const std::type_info& signature,
                           std::string_view name, base::Invoker run,
                           const std::type_info* actor_class)
    : entry_(MakeEntry(this, function, signature, name)) {
  entry_->invoke = run;
  entry_->actor_class = actor_class;
  base::FunctionTable::Get().Register(entry_);
}

Registration::Registration(const std::type_info& function,
                           const std::type_info& signature,
                           std::string_view name, base::Beginner run,
                           const std::type_info* actor_class)
    : entry_(MakeEntry(this, function, signature, name)) {
  entry_->begin = run;
  entry_->actor_class = actor_class;
  base::FunctionTable::Get().Register(entry_);
}

Registration::Registration(const std::type_info& function,
                           const std::type_info& signature,
                           std::string_view name, const GeneratorRun& run,
                           const std::type_info* actor_class)
    : entry_(MakeEntry(this, function, signature, name)) {
  entry_->begin = run.begin;
  entry_->is_generator = true;
  entry_->holds_slot = run.holds_slot;
  entry_->actor_class = actor_class;
  base::FunctionTable::Get().Register(entry_);
}

InvocationScope::InvocationScope()
    : context_(OriginOfRun(), CurrentSetting().context), entered_(&context_) {}

void CheckArgumentCount(const base::Invocation& invocation,
                        std::size_t expected) {
  if (invocation.args.size() == expected) return;
  Refusal refusal;
  refusal.failure.message = "it takes " + std::to_string(expected) +
                            " arguments, the call has " +
                            std::to_string(invocation.args.size());
  throw refusal;
}

void RefuseArgument(std::size_t index, std::string_view type,
                    const std::string& why) {
  Refusal refusal;
  refusal.failure.message = "argument " + std::to_string(index + 1) +
                            " is no " + std::string(type) + ": " + why;
  throw refusal;
}

base::Failure CaughtFailure(std::string_view function) {
  base::Failure failure;
  failure.code = base::FailureCode::kUserException;
  failure.executed = base::Executed::kYes;
  failure.function = function;
  failure.pid = ::getpid();
  try {
    throw;
  } catch (const Refusal& refusal) {
    failure.code = base::FailureCode::kDecode;
    failure.executed = base::Executed::kNo;
    failure.message = refusal.failure.message;
  } catch (const Error& error) {
    DescribeError(error, &failure);
  } catch (const std::exception& exception) {
    failure.message = exception.what();
    failure.exception_type = Demangle(typeid(exception));
    failure.standard_class = StandardClass(exception);
  } catch (const abi::__forced_unwind&) {
    throw;  // pthread_cancel, pthread_exit: the thread must end
  } catch (...) {
    failure.exception_type = Demangle(*abi::__cxa_current_exception_type());
    failure.message = "an exception that is not a std::exception";
  }
  return failure;
}

base::Outcome OutcomeOf(std::string_view function, const Writable& result,
                        base::Invocation& invocation) {
  Encoding encoding(result);
  base::Outcome outcome = PlacedResult(encoding, invocation);
  invocation.kept = encoding.Kept();
  if (invocation.place_later != nullptr) {
    invocation.place_later = [place = std::move(invocation.place_later),
                              function] {
      return WithCause(place(), function);
    };
  }
  return WithCause(std::move(outcome), function);
}

void OpenItems(base::Invocation& invocation) {
  MOBULA_CHECK(invocation.items != nullptr,
               "a generator has somewhere to yield");
  invocation.items->Open();
}

std::optional<base::Failure> GiveItem(std::string_view function,
                                      const Writable& item, std::uint64_t index,
                                      base::Invocation& invocation) {
  base::ItemStream& items = *invocation.items;
  if (items.IsSkipped(index)) return std::nullopt;
  Encoding encoding(item);
  base::Outcome outcome = PlacedItem(encoding, items.NameOf(index));
  if (auto* const failure = std::get_if<base::Failure>(&outcome)) {
    failure->executed = base::Executed::kYes;
    failure->function = function;
    failure->pid = ::getpid();
    failure->message =
        "item " + std::to_string(index) + ": " + failure->message;
    return std::move(*failure);
  }
  // What it mentions is kept by `encoding` until it has been handed on.
  items.Yield(index, std::get<base::Value>(std::move(outcome)));
  return std::nullopt;
}

std::optional<base::Failure> WhyNoItems(const base::Invocation& invocation) {
  if (!invocation.items->closed()) return std::nullopt;
  return base::MakeFailure(
      base::FailureCode::kBadArgument, base::Executed::kYes,
      "it is a generator, and nobody reads its items: it was called as if it "
      "gave one value, or its RefStream is gone");
}

ObjectPtr HoldArgument(const base::Value& argument) {
  return argument.is_stored() ? HoldObject(argument.name()) : nullptr;
}

}  // namespace mobula::detail
