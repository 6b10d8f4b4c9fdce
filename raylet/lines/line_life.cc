#include "raylet/lines/line_life.h"

#include <algorithm>

#include "base/check.h"

namespace mobula::raylet {

LineLife::LineLife(std::uint64_t first) : own_(first) {
  MOBULA_CHECK(first != 0);
}

LineLife::Verdict LineLife::OnHello(std::uint64_t theirs, std::uint64_t ours,
                                    std::uint64_t ours_over) {
  MOBULA_CHECK(theirs != 0);
  if (theirs <= over_ || theirs < theirs_) return Verdict::kStale;
  // It has heard of this one and given it up, which this end does not know.
  if (own_ <= ours_over) return Verdict::kBreak;
  // Bound to an earlier life of this end.
  if (ours != 0 && ours != own_) return Verdict::kStale;
  if (theirs_ != 0 && theirs != theirs_) return Verdict::kBreak;
  theirs_ = theirs;
  return Verdict::kSame;
}

LineLife::Verdict LineLife::OnWelcome(std::uint64_t theirs) {
  MOBULA_CHECK(theirs != 0);
  if (theirs <= over_ || theirs < theirs_) return Verdict::kStale;
  if (theirs_ != 0 && theirs != theirs_) return Verdict::kBreak;
  theirs_ = theirs;
  return Verdict::kSame;
}

void LineLife::End() {
  ++own_;  // larger than what anybody has heard of
  over_ = std::max(over_, theirs_);
  theirs_ = 0;
}

}  // namespace mobula::raylet
