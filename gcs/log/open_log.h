// OpenLog is a control log, open, on a strand and thread of its own: for tests.
//
//   OpenLog log(folder);
//   ASSERT_TRUE(log.ok()) << log.error();
//   log.Write("key", "value");           // returns once it is durable
// Threading: the test's thread.
#ifndef MOBULA_GCS_LOG_OPEN_LOG_H_
#define MOBULA_GCS_LOG_OPEN_LOG_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/ids.h"
#include "base/strand.h"
#include "gcs/core/commit_queue.h"
#include "gcs/log/control_log.h"

namespace mobula::gcs {

using Records = std::map<std::string, std::string>;

// A log and the strand that it is on.
class OpenLog {
 public:
  explicit OpenLog(ControlLog::Options options) {
    strand_.StartThread();
    On([this, &options] {
      log_ = ControlLog::Open(
          strand_, std::move(options),
          {[this](std::uint64_t number) { OnDurable(number); },
           [this](bool full, std::int64_t) { full_.store(full); }},
          &error_);
    });
  }
  explicit OpenLog(const std::string& folder) : OpenLog(At(folder)) {}
  ~OpenLog() {
    On([this] { log_.reset(); });
  }

  static ControlLog::Options At(const std::string& folder) {
    ControlLog::Options options;
    options.folder = folder;
    return options;
  }

  [[nodiscard]] bool ok() const { return log_ != nullptr; }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] bool full() const { return full_.load(); }
  [[nodiscard]] std::uint64_t epoch() const { return log_->epoch(); }
  [[nodiscard]] base::ClusterId cluster() const { return log_->cluster(); }

  // Returns once the strand has run it.
  void On(const std::function<void()>& closure) {
    std::promise<void> ran;
    strand_.Post([&closure, &ran] {
      closure();
      ran.set_value();
    });
    ran.get_future().wait();
  }

  std::uint64_t Append(Batch batch) {
    std::uint64_t number = 0;
    On([&] { number = log_->Append(std::move(batch)); });
    return number;
  }

  void WaitDurable(std::uint64_t number) {
    std::promise<void> durable;
    On([&] {
      if (durable_ >= number) {
        durable.set_value();
      } else {
        waits_.emplace_back(number, &durable);
      }
    });
    durable.get_future().wait();
  }

  void Write(const std::string& key, const std::string& value) {
    WaitDurable(Append({{key, value}}));
  }

  Records Read() {
    Records records;
    On([&] {
      log_->ForEach([&](std::string_view key, std::string_view value) {
        MOBULA_CHECK(records.emplace(key, value).second, "once each");
      });
    });
    return records;
  }

  void WaitFull(bool full) {
    while (full_.load() != full) std::this_thread::yield();
  }

 private:
  void OnDurable(std::uint64_t number) {
    MOBULA_CHECK(number > durable_, "numbers grow");
    durable_ = number;
    while (!waits_.empty() && waits_.front().first <= number) {
      waits_.front().second->set_value();
      waits_.pop_front();
    }
  }

  base::Strand strand_{"test"};
  std::unique_ptr<ControlLog> log_;
  std::string error_;
  std::atomic<bool> full_ = false;
  std::uint64_t durable_ = 0;
  std::deque<std::pair<std::uint64_t, std::promise<void>*>> waits_;
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_LOG_OPEN_LOG_H_
