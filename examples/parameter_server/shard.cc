#include "examples/parameter_server/shard.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace digits {

void Shard::CheckFed() const {
  if (slice_.weights.empty()) {
    throw std::logic_error("this shard holds no weights: Restore it first");
  }
}

void Shard::Restore(const Slice& slice) { slice_ = slice; }

Slice Shard::Read() const {
  CheckFed();
  return slice_;
}

void Shard::Apply(const std::vector<float>& gradient, float rate) {
  CheckFed();
  if (slice_.first + slice_.weights.size() > gradient.size()) {
    throw std::invalid_argument("the gradient is of fewer weights");
  }
  for (std::size_t i = 0; i < slice_.weights.size(); ++i) {
    slice_.weights[i] -= rate * gradient[slice_.first + i];
  }
  ++slice_.updates;
}

std::vector<Slice> CutIntoSlices(const std::vector<float>& weights,
                                 std::uint32_t count) {
  std::vector<Slice> slices;
  std::size_t first = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t end = weights.size() * (i + 1) / count;
    slices.push_back({first,
                      {weights.begin() + static_cast<std::ptrdiff_t>(first),
                       weights.begin() + static_cast<std::ptrdiff_t>(end)},
                      0});
    first = end;
  }
  return slices;
}

std::vector<float> Joined(const std::vector<Slice>& slices) {
  std::size_t size = 0;
  for (const Slice& slice : slices) size += slice.weights.size();
  std::vector<float> weights(size);
  for (const Slice& slice : slices) {
    if (slice.first + slice.weights.size() > size) {
      throw std::invalid_argument("these slices are not all of the weights");
    }
    std::copy(slice.weights.begin(), slice.weights.end(),
              weights.begin() + static_cast<std::ptrdiff_t>(slice.first));
  }
  return weights;
}

}  // namespace digits
