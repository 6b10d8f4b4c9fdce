#include "raylet/spawn/page_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/shm/extent_size.h"

namespace mobula::raylet {
namespace {

using base::kPageBytes;
static_assert(sizeof(base::WorkerPage) <= kPageBytes);

}  // namespace

std::optional<PageMap> PageMap::Make() {
  PageMap map;
  map.fd_.Reset(
      ::memfd_create("mobula-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!map.fd_.valid()) return std::nullopt;
  if (::ftruncate(map.fd_.get(), kPageBytes) != 0) return std::nullopt;
  if (::fcntl(map.fd_.get(), F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return std::nullopt;
  }
  void* const memory =
      ::mmap(nullptr, kPageBytes, PROT_READ, MAP_SHARED, map.fd_.get(), 0);
  if (memory == MAP_FAILED) return std::nullopt;
  map.page_ = static_cast<const base::WorkerPage*>(memory);
  return map;
}

PageMap::~PageMap() {
  if (page_ == nullptr) return;
  ::munmap(const_cast<base::WorkerPage*>(page_), kPageBytes);
}

}  // namespace mobula::raylet
