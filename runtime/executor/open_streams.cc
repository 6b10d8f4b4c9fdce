#include "runtime/executor/open_streams.h"

#include <cstdint>

#include "base/check.h"
#include "base/value.h"

namespace mobula::runtime {

class OpenStreams::Items final : public base::ItemStream::Sink {
 public:
  Items(const Execute& work, const Hooks& hooks)
      : task_(work.task),
        hooks_(hooks),
        stream_(*this, {work.result, work.owner}, hooks.self, work.attempt) {}

  void Opened() override { hooks_.begun(StreamBegun{task_}); }
  void Yielded(std::uint64_t index, base::Value value) override {
    hooks_.yielded(runtime::Yielded{task_, index, std::move(value)});
  }
  base::ItemStream& stream() { return stream_; }

 private:
  const base::TaskId task_;
  const Hooks& hooks_;
  base::ItemStream stream_;
};

base::ItemStream* OpenStreams::Open(const Execute& work) {
  MOBULA_CHECK(hooks_.begun != nullptr && hooks_.yielded != nullptr,
               "no generator is run here");
  auto items = std::make_shared<Items>(work, hooks_);
  base::ItemStream* const stream = &items->stream();
  base::MutexLock lock(mutex_);
  MOBULA_CHECK(open_.emplace(work.task, std::move(items)).second,
               "a task runs once");
  return stream;
}

void OpenStreams::Close(base::TaskId task) {
  std::shared_ptr<Items> closed;  // destroyed with no lock held
  base::MutexLock lock(mutex_);
  const auto found = open_.find(task);
  MOBULA_CHECK(found != open_.end(), "what ends was open");
  closed = std::move(found->second);
  open_.erase(found);
}

void OpenStreams::Grant(const base::StreamCredit& credit) {
  std::shared_ptr<Items> items;
  {
    base::MutexLock lock(mutex_);
    const auto found = open_.find(credit.task);
    if (found == open_.end()) return;
    items = found->second;
  }
  items->stream().Grant(credit);
}

}  // namespace mobula::runtime
