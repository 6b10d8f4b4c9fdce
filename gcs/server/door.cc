#include "gcs/server/door.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/security/credentials.h"
#include "base/security/digest.h"
#include "base/security/node_identity.h"
#include "base/security/renewal.h"

namespace mobula::gcs {
namespace {

using base::Authority;
using base::DoorRefusal;

// Of questions that wait for the disk; more are refused.
constexpr std::size_t kWaitingMax = 1'000;
constexpr std::size_t kSecretBytes = 32;
constexpr std::int64_t kLookS = 60;  // at the wall clock, at least so often

struct Words {
  DoorRefusal code;
  const char* text;
};

Words WordsOf(TokenVerdict verdict) {
  switch (verdict) {
    case TokenVerdict::kDone:
      break;
    case TokenVerdict::kUnknown:
      return {DoorRefusal::kUnknownToken,
              "the token is none of this control store: was its folder put "
              "back, or the token made long ago? `mobula token create` makes "
              "a new one"};
    case TokenVerdict::kUsedUp:
      return {DoorRefusal::kUsedUp,
              "the token is used up: each machine needs one of its own, which "
              "`mobula token create` on the head makes"};
    case TokenVerdict::kExpired:
      return {DoorRefusal::kExpired,
              "the token has expired: `mobula token create` on the head makes "
              "a new one"};
    case TokenVerdict::kOtherCluster:
      return {DoorRefusal::kOtherCluster,
              "the token is of another cluster than this control store's"};
    case TokenVerdict::kMalformed:
      return {DoorRefusal::kMalformed,
              "a token lives from a second to 24 hours, and is used from 1 to "
              "1000 times"};
    case TokenVerdict::kTooMany:
      return {DoorRefusal::kBusy,
              "1000 tokens are open: let some be used or expire"};
    case TokenVerdict::kDiskFull:
      return {DoorRefusal::kBusy, "the disk of the control store is full"};
  }
  MOBULA_CHECK(false, "no refusal");
}

}  // namespace

Door::Door(base::Strand& strand, Options options, Callbacks callbacks)
    : strand_(strand),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)) {}

Door::~Door() {
  if (timer_ != 0) strand_.Cancel(timer_);
}

std::shared_ptr<const base::TlsContext> Door::Open(std::string* error) {
  authority_ = Authority::Open(options_.folder + "/ca", options_.cluster,
                               options_.clock(), error);
  if (!authority_) return nullptr;
  audit_ = base::AuditLog::Open(options_.folder + "/audit.log",
                                base::AuditLog::Options(), error);
  return audit_ == nullptr ? nullptr : MakeOwn();
}

std::shared_ptr<const base::TlsContext> Door::MakeOwn() {
  const std::int64_t now = options_.clock();
  base::KeyPair key = base::KeyPair::Make();
  base::Certificate own =
      authority_->Issue(key, {options_.cluster, base::ClusterRole::kStore, 0},
                        {now, options_.certificate_s});
  const base::Renewal renewal(now, own.ends_s(), base::RandomBits());
  const std::int64_t wait = std::clamp<std::int64_t>(
      renewal.next_s() - now, 1, std::max<std::int64_t>(kLookS, 1));
  RenewAt(renewal.next_s(), wait);
  return base::TlsContext::ForStore(
      {std::move(key), std::move(own), authority_->certificate()},
      options_.clock);
}

// The wall clock may be set, so it is looked at now and then.
void Door::RenewAt(std::int64_t next_s, std::int64_t wait_s) {
  timer_ = strand_.PostAt(
      strand_.Now() + std::chrono::seconds(wait_s), [this, next_s] {
        strand_.AssertHeld();
        timer_ = 0;
        const std::int64_t left = next_s - options_.clock();
        if (left > 0) return RenewAt(next_s, std::min(left, kLookS));
        MOBULA_LOG(INFO) << "the store's certificate is made anew";
        callbacks_.use(MakeOwn());
      });
}

void Door::OnQuestion(Asked asked) {
  base::DoorQuestion question;
  std::string error;
  if (!authority_) {
    return Refuse(asked, DoorRefusal::kNotForYou,
                  "this control store listens to its own machine alone: begin "
                  "the head with --listen tls:HOST:PORT");
  }
  if (!base::DecodeQuestion(asked.body, &question, &error)) {
    return Refuse(asked, DoorRefusal::kMalformed,
                  "what was asked makes no sense: " + error);
  }
  asked.body.clear();
  if (const auto* const join = std::get_if<base::JoinAsked>(&question)) {
    OnJoin(std::move(asked), *join);
  } else if (const auto* renew = std::get_if<base::RenewAsked>(&question)) {
    OnRenew(asked, *renew);
  } else {
    OnToken(std::move(asked), std::get<base::TokenAsked>(question));
  }
}

void Door::OnJoin(Asked asked, const base::JoinAsked& join) {
  const std::string holder = base::RequestFingerprint(join.request);
  if (holder.empty()) {
    return Refuse(asked, DoorRefusal::kMalformed,
                  "there is no request for a certificate in it");
  }
  if (waiting_.size() >= kWaitingMax) {
    return Refuse(asked, DoorRefusal::kBusy, "too many join at once");
  }
  Waiting& waiting = waiting_[++calls_];
  waiting.asked = std::move(asked);
  waiting.request = join.request;
  callbacks_.to_core(ShowToken{calls_, join.cluster, join.token,
                               base::HashOf(join.secret), holder});
}

void Door::OnRenew(const Asked& asked, const base::RenewAsked& renew) {
  if (asked.maker == 0) {
    return Refuse(asked, DoorRefusal::kNotForYou,
                  "a certificate is made anew for who shows the one that it "
                  "has");
  }
  Sign(asked, renew.request, asked.maker, "renewed");
}

void Door::OnToken(Asked asked, const base::TokenAsked& wanted) {
  if (!asked.is_local) {
    return Refuse(asked, DoorRefusal::kNotForYou,
                  "tokens are made on the head's own machine, by its user");
  }
  constexpr std::int64_t kDayS = 24 * 3600;
  Waiting& waiting = waiting_[++calls_];
  waiting.asked = std::move(asked);
  waiting.makes = true;
  waiting.token = {options_.cluster,
                   authority_->certificate().Fingerprint(),
                   {base::RandomBits(), base::RandomBits()},
                   base::RandomHex(kSecretBytes)};
  // What is out of bounds stays so.
  const std::int64_t lives_s =
      std::clamp<std::int64_t>(wanted.lives_s, 0, kDayS + 1);
  callbacks_.to_core(MakeToken{calls_, waiting.token.id,
                               base::HashOf(waiting.token.secret),
                               lives_s * 1000, wanted.uses});
}

void Door::OnTokenAnswer(const TokenAnswer& answer) {
  auto node = waiting_.extract(answer.call);
  MOBULA_CHECK(!node.empty(), "an answer to nothing");
  const Waiting& waiting = node.mapped();
  if (answer.verdict != TokenVerdict::kDone) {
    const Words words = WordsOf(answer.verdict);
    return Refuse(waiting.asked, words.code, words.text);
  }
  if (!waiting.makes) {
    return Sign(waiting.asked, waiting.request, base::RandomBits(), "joined");
  }
  audit_->Write({options_.clock(), true, "token made", waiting.asked.from,
                 "token " + waiting.token.id.ToString()});
  callbacks_.answer(
      waiting.asked.id,
      base::EncodeAnswer(base::TokenMade{waiting.token.ToText()}));
}

void Door::Sign(const Asked& asked, const std::string& request,
                std::uint64_t maker, const char* why) {
  std::string error;
  const auto own = authority_->Sign(
      request, {options_.cluster, base::ClusterRole::kNode, maker},
      {options_.clock(), options_.certificate_s}, &error);
  if (!own) return Refuse(asked, DoorRefusal::kMalformed, error);
  audit_->Write({options_.clock(), true, why, asked.from,
                 "node " + base::MakerText(maker)});
  MOBULA_LOG(INFO) << asked.from << " has " << why << " as node "
                   << base::MakerText(maker);
  callbacks_.answer(asked.id,
                    base::EncodeAnswer(base::Certified{
                        own->ToPem(), authority_->certificate().ToPem()}));
}

void Door::Refuse(const Asked& asked, DoorRefusal code,
                  const std::string& reason) {
  OnVerdict({false, asked.maker, asked.from, reason});
  callbacks_.answer(asked.id,
                    base::EncodeAnswer(base::DoorRefused{code, reason}));
}

void Door::OnVerdict(const base::TlsDoor::Verdict& verdict) {
  const std::string who =
      verdict.maker == 0 ? "" : "node " + base::MakerText(verdict.maker);
  if (audit_ != nullptr) {
    audit_->Write({options_.clock(), verdict.admitted,
                   verdict.admitted ? "admitted" : "refused", verdict.from,
                   who.empty() || verdict.admitted
                       ? who + (verdict.admitted ? "" : verdict.reason)
                       : who + ": " + verdict.reason});
  }
  if (verdict.admitted) return;
  const base::BootTime now = strand_.Now();
  if (now < logged_at_ + std::chrono::seconds(1)) {
    ++unlogged_;
    return;
  }
  logged_at_ = now;
  MOBULA_LOG(WARNING) << "control store: " << verdict.from
                      << (who.empty() ? "" : " (" + who + ")")
                      << " is refused: " << verdict.reason << " ("
                      << std::exchange(unlogged_, 0)
                      << " more since the last of these lines)";
}

}  // namespace mobula::gcs
