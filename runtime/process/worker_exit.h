// The codes with which a worker process ends that could not serve. They are
// for people who read a failure, not for programs.
// Threading: constants.
#ifndef MOBULA_RUNTIME_PROCESS_WORKER_EXIT_H_
#define MOBULA_RUNTIME_PROCESS_WORKER_EXIT_H_

namespace mobula::runtime {

inline constexpr int kWorkerBadStart = 70;    // environment or descriptors
inline constexpr int kWorkerBadVersion = 71;  // another protocol version
inline constexpr int kWorkerClash = 72;       // two functions with one id
inline constexpr int kWorkerRayletGone = 73;
inline constexpr int kWorkerSetupFailed = 74;  // MOBULA_WORKER_SETUP threw

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_PROCESS_WORKER_EXIT_H_
