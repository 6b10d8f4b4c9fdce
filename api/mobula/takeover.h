// The takeover: a worker process runs this program's executable, and serves
// instead of running main. Linked in with the library; nothing to call.
//
// The library has an __libc_start_main of its own, which the program's start
// code calls instead of the C library's; it hands a main to the real one that
// looks whether this process was started as a worker. That is after static
// initialisation, when every function is registered, and before main. In every
// other process main runs as if the library were not there.
// A fully static executable has no second __libc_start_main to find: it must be
// linked with -Wl,--wrap=main as well. Without it Init fails in the worker.
// Threading: before main.
#ifndef MOBULA_API_MOBULA_TAKEOVER_H_
#define MOBULA_API_MOBULA_TAKEOVER_H_

namespace mobula::detail {

// Serves if this process was started as a worker, else runs `main`; the code
// to exit with.
int WorkerOrMain(int (*main)(int, char**, char**), int argc, char** argv,
                 char** environment);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_TAKEOVER_H_
