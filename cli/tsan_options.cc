// What ThreadSanitizer is to do in the programs that speak gRPC: nothing. gRPC
// and Abseil are built without it: it sees what their threads and ours do to
// the same memory, but not the locks (futexes) between, so nothing that it says
// of these processes is to be believed. Theirs is what the unit tests of the
// shells check; drivers and workers, which have no gRPC, report as ever.
#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_options() { return "report_bugs=0"; }
#endif
