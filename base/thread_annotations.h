// Annotations that clang's -Wthread-safety checks and GCC ignores.
//
//   Mutex mutex_;
//   int count_ MOBULA_GUARDED_BY(mutex_);
// After https://clang.llvm.org/docs/ThreadSafetyAnalysis.html.
#ifndef MOBULA_BASE_THREAD_ANNOTATIONS_H_
#define MOBULA_BASE_THREAD_ANNOTATIONS_H_

#if defined(__clang__)
#define MOBULA_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define MOBULA_THREAD_ATTRIBUTE(x)
#endif

#define MOBULA_LOCKABLE MOBULA_THREAD_ATTRIBUTE(lockable)
#define MOBULA_SCOPED_LOCKABLE MOBULA_THREAD_ATTRIBUTE(scoped_lockable)
#define MOBULA_GUARDED_BY(x) MOBULA_THREAD_ATTRIBUTE(guarded_by(x))
#define MOBULA_REQUIRES(...) \
  MOBULA_THREAD_ATTRIBUTE(exclusive_locks_required(__VA_ARGS__))
#define MOBULA_EXCLUDES(...) \
  MOBULA_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define MOBULA_ACQUIRE(...) \
  MOBULA_THREAD_ATTRIBUTE(exclusive_lock_function(__VA_ARGS__))
#define MOBULA_RELEASE(...) \
  MOBULA_THREAD_ATTRIBUTE(unlock_function(__VA_ARGS__))
#define MOBULA_ASSERT_EXCLUSIVE_LOCK(...) \
  MOBULA_THREAD_ATTRIBUTE(assert_exclusive_lock(__VA_ARGS__))
#define MOBULA_NO_THREAD_SAFETY_ANALYSIS \
  MOBULA_THREAD_ATTRIBUTE(no_thread_safety_analysis)

#endif  // MOBULA_BASE_THREAD_ANNOTATIONS_H_
