// LineLife says which life of the line between two raylets this is, so that
// both see each break of it once, and neither takes what the other has said
// before a break for something said after it.
//
//   own 7, theirs 0  --hello or welcome of 3--> own 7, theirs 3
//        --End--> own 8, theirs 0; what comes of 3 is over
// Each end numbers its lives, and says with each connection its own number, the
// other's that it knows, and up to which of the other's are over for it. One
// that has ended a life hears no more of the other's with which that was bound;
// the other learns it from the next connection in either direction, and ends
// its own. Owner: Line.   Threading: none. Invariants: (1) own grows; (2) a
// life is bound to one of the other's at the most, and that to this one; (3)
// one end of a life at one side is one at the other, and no further ones follow
// from it.
#ifndef MOBULA_RAYLET_LINES_LINE_LIFE_H_
#define MOBULA_RAYLET_LINES_LINE_LIFE_H_

#include <cstdint>

namespace mobula::raylet {

class LineLife {
 public:
  enum class Verdict : std::uint8_t {
    kSame,   // of this life; bound to it now, if it was not
    kStale,  // of one that is over: the other end is to know it
    kBreak,  // the other end has begun anew: this life is over. It has not
             // changed: End, and ask again
  };

  // `first` is larger than that of any earlier process of the same id.
  explicit LineLife(std::uint64_t first);

  // The other end dials: its number, ours as far as it knows it, else 0, and
  // up to which ours are over for it.
  Verdict OnHello(std::uint64_t theirs, std::uint64_t ours,
                  std::uint64_t ours_over);
  // It answers what we dialled in this life.
  Verdict OnWelcome(std::uint64_t theirs);
  void End();

  [[nodiscard]] std::uint64_t own() const { return own_; }
  [[nodiscard]] std::uint64_t theirs() const { return theirs_; }  // 0: unknown
  // Of theirs, everything up to it.
  [[nodiscard]] std::uint64_t over() const { return over_; }

 private:
  std::uint64_t own_;
  std::uint64_t theirs_ = 0;
  std::uint64_t over_ = 0;
};

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_LINES_LINE_LIFE_H_
