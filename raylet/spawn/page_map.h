// PageMap owns the memory of one WorkerPage: the descriptor that the worker is
// given and the map in which the raylet reads, also after the worker's death.
//
// The memory is sealed against shrinking, so that a worker cannot take it away
// under the reader.
// Threading: a value, moved not copied.
#ifndef MOBULA_RAYLET_SPAWN_PAGE_MAP_H_
#define MOBULA_RAYLET_SPAWN_PAGE_MAP_H_

#include <optional>
#include <string>
#include <utility>

#include "base/shm/worker_page.h"
#include "base/unique_fd.h"

namespace mobula::raylet {

class PageMap {
 public:
  // Nothing, and errno, where there is no memory or descriptor.
  static std::optional<PageMap> Make();
  PageMap(PageMap&& other) noexcept
      : fd_(std::move(other.fd_)), page_(std::exchange(other.page_, nullptr)) {}
  PageMap& operator=(PageMap&&) = delete;
  ~PageMap();

  [[nodiscard]] int fd() const { return fd_.get(); }
  void CloseFd() { fd_.Reset(); }
  // The function that runs, or that ran when the worker ended; "" if none.
  [[nodiscard]] std::string Running() const { return page_->Running(); }
  // The one that ran last: whose output is read, as far as can be told.
  [[nodiscard]] std::string Last() const { return page_->Last(); }
  [[nodiscard]] base::ActorId Charged() const { return page_->Charged(); }

 private:
  PageMap() = default;

  base::UniqueFd fd_;
  const base::WorkerPage* page_ = nullptr;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_SPAWN_PAGE_MAP_H_
