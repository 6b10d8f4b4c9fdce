// PageWriter shows on a worker's page what runs there, whichever of the threads
// that use the slot runs it: what began, or went on, last.
//
// Owner: SlotThread.   Threading: any thread. Nothing is locked while a thread
// shows what is shown already. The names given must stay where they are: they
// are those of functions.
#ifndef MOBULA_RUNTIME_EXECUTOR_SLOT_PAGE_WRITER_H_
#define MOBULA_RUNTIME_EXECUTOR_SLOT_PAGE_WRITER_H_

#include <atomic>
#include <string_view>

#include "base/mutex.h"
#include "base/shm/worker_page.h"

namespace mobula::runtime {

class PageWriter {
 public:
  // `page` may be null; then nothing is shown.
  explicit PageWriter(base::WorkerPage* page) : page_(page) {}

  void Show(std::string_view function) {
    if (page_ == nullptr) return;
    if (shown_.load(std::memory_order_acquire) == function.data()) {
      page_->SetBusy(true);
      return;
    }
    const base::MutexLock lock(mutex_);
    page_->SetRunning(function);
    shown_.store(function.data(), std::memory_order_release);
  }
  // Nothing runs.
  void Rest() {
    if (page_ != nullptr) page_->SetBusy(false);
  }

 private:
  base::WorkerPage* const page_;
  base::Mutex mutex_;  // of who writes a name
  std::atomic<const char*> shown_{nullptr};
};

}  // namespace mobula::runtime

#endif  // MOBULA_RUNTIME_EXECUTOR_SLOT_PAGE_WRITER_H_
