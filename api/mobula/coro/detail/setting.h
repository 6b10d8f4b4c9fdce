// Setting is where the calling code runs, in which scope, and which task of a
// worker it is part of; Transfer and Drive
// are how coroutines follow one another on a thread. Not for users.
//
// A coroutine that awaits another one hands over to it, and gets it back, by
// Transfer: the one that is to run next is noted, and the loop in Drive, below
// all of them on the stack, resumes it. So a chain of coroutines that end or
// await one another without waiting takes no stack, whatever the compiler does
// about tail calls.
// Threading: each thread has a Setting of its own; a coroutine brings its own
// with it wherever it is resumed.
#ifndef MOBULA_API_MOBULA_CORO_DETAIL_SETTING_H_
#define MOBULA_API_MOBULA_CORO_DETAIL_SETTING_H_

#include <coroutine>
#include <cstdint>

#include "base/threads/executor.h"

namespace mobula::runtime {
struct CurrentExecution;
}  // namespace mobula::runtime

namespace mobula::detail {

class Context;

struct Setting {
  base::Executor* executor = nullptr;  // null: a thread of the program's own
  Context* context = nullptr;          // null: no scope
  const runtime::CurrentExecution* task = nullptr;  // null: of none
  // Which chain of coroutines it is, in the debug mode; 0: nobody knows.
  std::uint64_t flow = 0;
};

[[nodiscard]] Setting CurrentSetting() noexcept;
void SetExecutorHere(base::Executor* executor) noexcept;
void SetContextHere(Context* context) noexcept;

// For what begins beside the calling code: a chain of its own, in the debug
// mode.
[[nodiscard]] std::uint64_t NewFlow();
// Of the calling code, in the debug mode: of its coroutine, else of the thread.
[[nodiscard]] std::uint64_t CurrentFlow();

// `next` goes on, in `setting`, on this thread, when what runs now has returned
// to the loop; at once if there is none.
void Transfer(std::coroutine_handle<> next, Setting setting) noexcept;

// Resumes `first`, and whatever is transferred to, until nothing is.
void Drive(std::coroutine_handle<> first, Setting setting) noexcept;

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_CORO_DETAIL_SETTING_H_
