// SharedDescriptor is the descriptor of a stream or listener until it is
// closed; operations that are under way keep it longer. Not for users.
// Threading: any.
#ifndef MOBULA_API_MOBULA_IO_DETAIL_SHARED_DESCRIPTOR_H_
#define MOBULA_API_MOBULA_IO_DETAIL_SHARED_DESCRIPTOR_H_

#include <memory>
#include <utility>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::runtime {
class IoDescriptor;
}  // namespace mobula::runtime

namespace mobula::detail {

using DescriptorPtr = std::shared_ptr<runtime::IoDescriptor>;

class SharedDescriptor {
 public:
  explicit SharedDescriptor(DescriptorPtr descriptor)
      : descriptor_(std::move(descriptor)) {}

  // Null once it was dropped.
  [[nodiscard]] DescriptorPtr get() const MOBULA_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return descriptor_;
  }
  // What it was.
  DescriptorPtr Drop() MOBULA_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return std::exchange(descriptor_, nullptr);
  }

 private:
  mutable base::Mutex mutex_;
  DescriptorPtr descriptor_ MOBULA_GUARDED_BY(mutex_);
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_IO_DETAIL_SHARED_DESCRIPTOR_H_
