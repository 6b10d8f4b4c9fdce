// Plant is a bug that a run of the ownership test has on purpose, to see that
// the test finds it: what it does to the messages of the node.
// Threading: pure.
#ifndef MOBULA_TESTS_OWNERSHIP_PLANT_H_
#define MOBULA_TESTS_OWNERSHIP_PLANT_H_

#include <cstdint>

namespace mobula::ownership {

enum class Plant : std::uint8_t {
  kNone,
  kReturnsOneLess,   // a borrower forgets one mention when it returns
  kTakenTooSoon,     // a sender lets go before its receiver is counted
  kForgottenClaim,   // a borrower of a dead owner claims nothing
  kLostWish,         // who wants an outcome does not say so
  kLostReport,       // who finds bytes lost does not say so
  kBorrowedTwice,    // an owner counts a borrower twice
  kTakenNever,       // a receiver does not say that it is counted
  kFreedByReturner,  // a borrower returns what it has not received
};

}  // namespace mobula::ownership

#endif  // MOBULA_TESTS_OWNERSHIP_PLANT_H_
