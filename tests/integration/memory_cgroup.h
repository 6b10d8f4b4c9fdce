// MemoryCgroup is a memory cgroup of a test's own, version 1 or 2: from Enter
// on, this process and all that it starts are in it.
//
//   std::string why;
//   const auto group = MemoryCgroup::Enter(128 << 20, &why);
//   if (group == nullptr) GTEST_SKIP() << why;
// Its end moves this process back; the group goes once it is empty.
// Threading: one thread, before there are more.
// Failure: null, and why: there is none that may be written here.
#ifndef MOBULA_TESTS_INTEGRATION_MEMORY_CGROUP_H_
#define MOBULA_TESTS_INTEGRATION_MEMORY_CGROUP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace mobula::test {

class MemoryCgroup {
 public:
  static std::unique_ptr<MemoryCgroup> Enter(std::uint64_t bytes_max,
                                             std::string* why);
  ~MemoryCgroup();
  MemoryCgroup(const MemoryCgroup&) = delete;
  MemoryCgroup& operator=(const MemoryCgroup&) = delete;

  // How many processes the kernel ended for want of memory in it.
  [[nodiscard]] std::int64_t killed_count() const;

 private:
  MemoryCgroup(std::string above, std::string folder, bool is_v2)
      : above_(std::move(above)), folder_(std::move(folder)), is_v2_(is_v2) {}

  const std::string above_;  // the one that we were in
  const std::string folder_;
  const bool is_v2_;
};

}  // namespace mobula::test

#endif  // MOBULA_TESTS_INTEGRATION_MEMORY_CGROUP_H_
