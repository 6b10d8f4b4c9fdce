#include "api/compat/ray/api/metric.h"

#include <algorithm>
#include <stdexcept>

#include "base/mutex.h"

namespace ray {

struct Metric::State {
  using Tags = std::map<std::string, std::string>;

  std::string name;
  Kind kind = Kind::kLast;
  std::vector<std::string> tag_keys;
  std::vector<double> boundaries;
  mobula::base::Mutex mutex;
  std::map<Tags, Recording> recordings MOBULA_GUARDED_BY(mutex);
};

Metric::Metric(const std::string& name, Kind kind,
               const std::vector<std::string>& tag_keys,
               const std::vector<double>& boundaries)
    : state_(new State{name, kind, tag_keys, boundaries, {}, {}}) {}

Metric::~Metric() = default;

std::string Metric::GetName() const { return state_->name; }

void Metric::Record(double value, const MetricTags& tags) {
  for (const auto& [key, unused] : tags) {
    const auto& keys = state_->tag_keys;
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw std::invalid_argument("metric " + state_->name +
                                  " has no tag key " + key);
    }
  }
  mobula::base::MutexLock lock(state_->mutex);
  Recording& recording = state_->recordings[{tags.begin(), tags.end()}];
  const bool adds = state_->kind == Kind::kSum;
  recording.value = adds ? recording.value + value : value;
  ++recording.count;
  const std::vector<double>& bounds = state_->boundaries;
  if (bounds.empty()) return;
  recording.buckets.resize(bounds.size() + 1);
  const auto above = std::lower_bound(bounds.begin(), bounds.end(), value);
  ++recording.buckets[static_cast<std::size_t>(above - bounds.begin())];
}

Metric::Recording Metric::Recorded(const MetricTags& tags) const {
  mobula::base::MutexLock lock(state_->mutex);
  const auto it = state_->recordings.find({tags.begin(), tags.end()});
  return it == state_->recordings.end() ? Recording() : it->second;
}

Gauge::Gauge(const std::string& name, const std::string&, const std::string&,
             const std::vector<std::string>& tag_keys)
    : Metric(name, Kind::kLast, tag_keys) {}

void Gauge::Set(double value, const MetricTags& tags) { Record(value, tags); }

Histogram::Histogram(const std::string& name, const std::string&,
                     const std::string&, const std::vector<double>& boundaries,
                     const std::vector<std::string>& tag_keys)
    : Metric(name, Kind::kSum, tag_keys, boundaries) {}

void Histogram::Observe(double value, const MetricTags& tags) {
  Record(value, tags);
}

Counter::Counter(const std::string& name, const std::string&,
                 const std::string&, const std::vector<std::string>& tag_keys)
    : Metric(name, Kind::kSum, tag_keys) {}

void Counter::Inc(double value, const MetricTags& tags) { Record(value, tags); }

Sum::Sum(const std::string& name, const std::string&, const std::string&,
         const std::vector<std::string>& tag_keys)
    : Metric(name, Kind::kSum, tag_keys) {}

}  // namespace ray
