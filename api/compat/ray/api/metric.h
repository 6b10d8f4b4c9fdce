// Metrics of a program, with Ray's names: <ray/api/metric.h>.
//
//   ray::Gauge depth("queue_depth", "Entries that wait", "", {"shard"});
//   depth.Set(17, {{"shard", "a"}});
//
// In this version they are kept in this process alone and exported nowhere:
// Recorded() reads them. Threading: any thread.
// Failure: Record throws std::invalid_argument for a tag that is none of the
// metric's tag_keys.
#ifndef MOBULA_API_COMPAT_RAY_API_METRIC_H_
#define MOBULA_API_COMPAT_RAY_API_METRIC_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace ray {

using MetricTags = std::unordered_map<std::string, std::string>;

class Metric {
 public:
  // What was recorded under one set of tags.
  struct Recording {
    double value = 0;  // the last one; of Counter, Sum and Histogram the sum
    std::uint64_t count = 0;
    std::vector<std::uint64_t> buckets;  // of a Histogram, the last: above all
  };

  virtual ~Metric() = 0;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  [[nodiscard]] std::string GetName() const;
  void Record(double value, const MetricTags& tags);
  [[nodiscard]] Recording Recorded(const MetricTags& tags = {}) const;

 protected:
  enum class Kind { kLast, kSum };
  Metric(const std::string& name, Kind kind,
         const std::vector<std::string>& tag_keys,
         const std::vector<double>& boundaries = {});

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

// Keeps the last value.
class Gauge : public Metric {
 public:
  Gauge(const std::string& name, const std::string& description,
        const std::string& unit, const std::vector<std::string>& tag_keys = {});
  void Set(double value, const MetricTags& tags = {});
};

// Counts values between boundaries, which ascend.
class Histogram : public Metric {
 public:
  Histogram(const std::string& name, const std::string& description,
            const std::string& unit, const std::vector<double>& boundaries,
            const std::vector<std::string>& tag_keys = {});
  void Observe(double value, const MetricTags& tags = {});
};

// Only grows.
class Counter : public Metric {
 public:
  Counter(const std::string& name, const std::string& description,
          const std::string& unit,
          const std::vector<std::string>& tag_keys = {});
  void Inc(double value = 1, const MetricTags& tags = {});
};

// The sum of what was recorded.
class Sum : public Metric {
 public:
  Sum(const std::string& name, const std::string& description,
      const std::string& unit, const std::vector<std::string>& tag_keys = {});
};

}  // namespace ray

#endif  // MOBULA_API_COMPAT_RAY_API_METRIC_H_
