// Channel<T> passes values from who sends to who receives, in order, through a
// queue of bounded length: who is faster waits.
//
//   mobula::Channel<Image> images(16);
//   if (!co_await images.Send(std::move(image))) co_return;   // it was closed
//   images.Close();                                           // that was all
//   while (std::optional<Image> image = co_await images.Receive()) Use(*image);
//
// Any number may send and receive; each value goes to one of them. After Close
// nothing more is sent, what is in the queue can still be received, and then
// Receive gives nothing. A value that was not sent (closed, time over, stopped)
// is gone with the statement.
// Threading: any thread (BlockOn) or coroutine; it must outlive those who wait.
// Errors: Send and Receive throw TimeoutError when their time is over;
// TimeoutError or Cancelled when the scope is stopped. BadArgument for a
// capacity of 0.
// The idea: C. A. R. Hoare, "Communicating Sequential Processes", 1978.
#ifndef MOBULA_API_MOBULA_SYNC_CHANNEL_H_
#define MOBULA_API_MOBULA_SYNC_CHANNEL_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "api/mobula/coro/detail/wait_queue.h"
#include "api/mobula/error.h"
#include "api/mobula/timeout.h"
#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula {

template <class T>
class Channel {
 public:
  // Holds up to so many values that nobody has received yet.
  explicit Channel(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) detail::ThrowBadArgument("a Channel holds one at least");
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // co_await it, or BlockOn it: gives false if the channel is closed.
  [[nodiscard]] auto Send(T value, Timeout timeout = {}) {
    return SendWait(*this, std::move(value), timeout);
  }
  // co_await it, or BlockOn it: nothing once it is closed and empty.
  [[nodiscard]] auto Receive(Timeout timeout = {}) {
    return ReceiveWait(*this, timeout);
  }
  // Takes the value if there is room and it is not closed.
  [[nodiscard]] bool TrySend(T& value) MOBULA_EXCLUDES(mutex_) {
    detail::Woken woken;
    base::MutexLock lock(mutex_);
    return !closed_ && Put(value, woken);
  }
  // Nothing if there is none.
  [[nodiscard]] std::optional<T> TryReceive() MOBULA_EXCLUDES(mutex_) {
    detail::Woken woken;
    base::MutexLock lock(mutex_);
    return Take(woken);
  }

  // Twice is once.
  void Close() MOBULA_EXCLUDES(mutex_) {
    detail::Woken woken;
    base::MutexLock lock(mutex_);
    closed_ = true;
    for (detail::WaitList* const list : {&senders_, &receivers_}) {
      while (detail::ListedWait* const wait = list->first()) {
        list->Remove(wait);
        woken.Add(wait);
      }
    }
  }

  [[nodiscard]] bool closed() const MOBULA_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return closed_;
  }
  [[nodiscard]] std::size_t size() const MOBULA_EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return items_.size();
  }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  // What both have in common: they stand in a list of the channel's.
  class EndWait : public detail::ListedWait {
   protected:
    EndWait(Channel& channel, Timeout timeout)
        : ListedWait(timeout), channel_(channel) {}
    virtual bool TryNow(detail::Woken& woken)
        MOBULA_REQUIRES(channel_.mutex_) = 0;
    virtual detail::WaitList& list() MOBULA_REQUIRES(channel_.mutex_) = 0;

    bool Enter(bool joins) final {
      detail::Woken woken;
      base::MutexLock lock(channel_.mutex_);
      if (this->is_over()) return true;
      if (TryNow(woken)) {
        this->EndAs(detail::Wait::End::kGranted);
        return true;
      }
      if (joins) list().Append(this);
      return false;
    }
    void Abandon(detail::Wait::End end) noexcept final {
      detail::Woken woken;
      base::MutexLock lock(channel_.mutex_);
      if (this->is_over()) return;
      if (list().Remove(this)) {
        woken.Add(this, end);
      } else {
        this->EndAs(end);
      }
    }

    Channel& channel_;
  };

  class SendWait final : public EndWait {
   public:
    SendWait(Channel& channel, T value, Timeout timeout)
        : EndWait(channel, timeout), value_(std::move(value)) {}
    bool await_resume() {
      this->Finish();
      return sent_;
    }

   private:
    friend class Channel;
    bool TryNow(detail::Woken& woken) override
        MOBULA_REQUIRES(this->channel_.mutex_) {
      if (this->channel_.closed_) return true;
      sent_ = this->channel_.Put(value_, woken);
      return sent_;
    }
    detail::WaitList& list() override MOBULA_REQUIRES(this->channel_.mutex_) {
      return this->channel_.senders_;
    }

    T value_;
    bool sent_ = false;
  };

  class ReceiveWait final : public EndWait {
   public:
    ReceiveWait(Channel& channel, Timeout timeout)
        : EndWait(channel, timeout) {}
    std::optional<T> await_resume() {
      this->Finish();
      return std::move(value_);
    }

   private:
    friend class Channel;
    bool TryNow(detail::Woken& woken) override
        MOBULA_REQUIRES(this->channel_.mutex_) {
      value_ = this->channel_.Take(woken);
      return value_.has_value() || this->channel_.closed_;
    }
    detail::WaitList& list() override MOBULA_REQUIRES(this->channel_.mutex_) {
      return this->channel_.receivers_;
    }

    std::optional<T> value_;
  };

  // To who waits for one, else into the queue, if there is room.
  bool Put(T& value, detail::Woken& woken) MOBULA_REQUIRES(mutex_) {
    if (detail::ListedWait* const first = receivers_.first()) {
      static_cast<ReceiveWait*>(first)->value_.emplace(std::move(value));
      receivers_.Remove(first);
      woken.Add(first);
      return true;
    }
    if (items_.size() >= capacity_) return false;
    items_.push_back(std::move(value));
    return true;
  }

  // The oldest; who waits for room moves up.
  std::optional<T> Take(detail::Woken& woken) MOBULA_REQUIRES(mutex_) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    if (detail::ListedWait* const first = senders_.first()) {
      auto* const sender = static_cast<SendWait*>(first);
      items_.push_back(std::move(sender->value_));
      sender->sent_ = true;
      senders_.Remove(first);
      woken.Add(first);
    }
    return value;
  }

  const std::size_t capacity_;
  mutable base::Mutex mutex_;
  std::deque<T> items_ MOBULA_GUARDED_BY(mutex_);
  detail::WaitList senders_ MOBULA_GUARDED_BY(mutex_);
  detail::WaitList receivers_ MOBULA_GUARDED_BY(mutex_);
  bool closed_ MOBULA_GUARDED_BY(mutex_) = false;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_SYNC_CHANNEL_H_
