// TreeCpuSeconds is what this process and its children that have ended have
// taken of the CPUs.
// Threading: any.
#ifndef MOBULA_TESTS_BENCH_CPU_SECONDS_H_
#define MOBULA_TESTS_BENCH_CPU_SECONDS_H_

#include <sys/resource.h>

#include <initializer_list>

namespace mobula::bench {

inline double TreeCpuSeconds() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    seconds +=
        static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
        1e-6 * static_cast<double>(usage.ru_utime.tv_usec +
                                   usage.ru_stime.tv_usec);
  }
  return seconds;
}

}  // namespace mobula::bench

#endif  // MOBULA_TESTS_BENCH_CPU_SECONDS_H_
