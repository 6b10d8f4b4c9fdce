// Shard is an actor that holds a slice of the weights.
//
// A new one, and one that was born again, holds nothing: it must be fed first
// (Restore), and refuses everything else until then.
// Threading: one call at a time, as with every actor.
// Failure: std::logic_error if it was not fed, std::invalid_argument if sizes
// do not fit.
#ifndef MOBULA_EXAMPLES_PARAMETER_SERVER_SHARD_H_
#define MOBULA_EXAMPLES_PARAMETER_SERVER_SHARD_H_

#include <cstdint>
#include <vector>

namespace digits {

// Some of all weights: those from `first`.
struct Slice {
  std::uint64_t first = 0;
  std::vector<float> weights;
  std::uint64_t updates = 0;  // gradients that were applied to them

  friend bool operator==(const Slice&, const Slice&) = default;
};

class Shard {
 public:
  void Restore(const Slice& slice);
  Slice Read() const;
  // One step against a gradient of all weights, of which it takes its part.
  void Apply(const std::vector<float>& gradient, float rate);

 private:
  void CheckFed() const;

  Slice slice_;
};

// `count` slices of `weights`, whose sizes differ by at most one.
std::vector<Slice> CutIntoSlices(const std::vector<float>& weights,
                                 std::uint32_t count);

// The weights of which the slices are all.
std::vector<float> Joined(const std::vector<Slice>& slices);

}  // namespace digits

#endif  // MOBULA_EXAMPLES_PARAMETER_SERVER_SHARD_H_
