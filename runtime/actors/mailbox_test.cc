#include "runtime/actors/mailbox.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/frames/message.h"
#include "base/ids.h"

namespace mobula::runtime {
namespace {

using Verdict = Mailbox::Verdict;

constexpr base::ProcessId kOwner{1, 1};
constexpr base::ProcessId kCaller{1, 2};

base::CreateActor Create() {
  base::CreateActor create;
  create.task = {5, 1};
  create.actor = {8, 1};
  create.incarnation = 2;
  return create;
}

base::CallActor Call(std::uint64_t sequence) {
  base::CallActor call;
  call.actor = {8, 1};
  call.incarnation = 2;
  call.sequence = sequence;
  return call;
}

TEST(MailboxTest, TakesEachSequenceOfEachCallerOnce) {
  Mailbox mailbox;
  EXPECT_EQ(mailbox.Admit(kCaller, Call(1)), Verdict::kNoActor);
  EXPECT_TRUE(mailbox.Open(kOwner, Create()));
  EXPECT_EQ(mailbox.Admit(kCaller, Call(7)), Verdict::kTake);
  EXPECT_EQ(mailbox.Admit(kCaller, Call(7)), Verdict::kDuplicate);
  EXPECT_EQ(mailbox.Admit(kCaller, Call(6)), Verdict::kDuplicate);
  EXPECT_EQ(mailbox.Admit(kOwner, Call(1)), Verdict::kTake);
  EXPECT_EQ(mailbox.Admit(kCaller, Call(8)), Verdict::kTake);
  EXPECT_EQ(mailbox.Admit(kCaller, Call(12)), Verdict::kTake);
}

TEST(MailboxTest, RefusesOthersAndWhatIsOver) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.Open(kOwner, Create()));
  EXPECT_FALSE(mailbox.Open(kOwner, Create()));
  base::CallActor stale = Call(1);
  stale.incarnation = 1;
  EXPECT_EQ(mailbox.Admit(kCaller, stale), Verdict::kStale);
  base::CallActor other = Call(1);
  other.actor = {8, 2};
  EXPECT_EQ(mailbox.Admit(kCaller, other), Verdict::kNoActor);
  EXPECT_FALSE(mailbox.alive());
  mailbox.Constructed(true);
  EXPECT_TRUE(mailbox.alive());
  mailbox.Close();
  EXPECT_EQ(mailbox.Admit(kCaller, Call(1)), Verdict::kNoActor);
  EXPECT_FALSE(mailbox.Open(kOwner, Create()));  // one in a process's life
}

}  // namespace
}  // namespace mobula::runtime
