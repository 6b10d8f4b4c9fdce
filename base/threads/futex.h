// FutexWait and FutexWake: a thread sleeps on a word of this process's memory
// until another wakes it.
//
//   while (word.load(std::memory_order_acquire) == 0) FutexWait(&word,
//   timeout); word.store(1, std::memory_order_release); FutexWake(&word);
//
// Between the store and the wake the sleeper may go on, and the word be gone: a
// wake of an address where nobody sleeps does nothing.
// Threading: any.
#ifndef MOBULA_BASE_THREADS_FUTEX_H_
#define MOBULA_BASE_THREADS_FUTEX_H_

#include <atomic>
#include <cstdint>

#include "base/boot_time.h"

namespace mobula::base {

// Sleeps while the word is 0, for `timeout` at most; max() for no end. May end
// without reason.
void FutexWait(std::atomic<std::uint32_t>* word, Duration timeout);
// Wakes one who sleeps there.
void FutexWake(void* word);

}  // namespace mobula::base

#endif  // MOBULA_BASE_THREADS_FUTEX_H_
