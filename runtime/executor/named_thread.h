// StartNamedThread starts a thread that has a name and takes no signals but
// those that its own code causes (a fault): the others are for the program's
// own threads.
// Threading: any. Failure: throws std::system_error as std::thread does.
#ifndef MOBULA_RUNTIME_EXECUTOR_NAMED_THREAD_H_
#define MOBULA_RUNTIME_EXECUTOR_NAMED_THREAD_H_

#include <pthread.h>

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

namespace mobula::runtime {

// 15 bytes of the name are shown.
std::thread StartNamedThread(const std::string& name,
                             std::function<void()> run);

// The same with a stack of that many bytes, of which only what is used takes
// memory; to be joined with pthread_join.
pthread_t StartDeepThread(const std::string& name, std::size_t stack_bytes,
                          std::function<void()> run);

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_NAMED_THREAD_H_
