#include "base/tls/credential_renewer.h"

#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/security/authority.h"
#include "base/security/credentials.h"
#include "base/tls/door_call.h"

namespace mobula::base {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);

}  // namespace

CredentialRenewer::CredentialRenewer(Options options)
    : options_(std::move(options)) {
  strand_.Post([this] { Look(); });
  strand_.StartThread();
}

CredentialRenewer::~CredentialRenewer() {
  strand_.Stop();
  strand_.Join();
}

void CredentialRenewer::Look() {
  strand_.AssertHeld();
  const std::int64_t now = options_.clock();
  std::string error;
  const auto mine = ReadCredentials(options_.file, &error);
  if (!mine) {
    MOBULA_LOG(WARNING) << error;
  } else if (!renewal_ || mine->own.ends_s() != ends_s_) {
    ends_s_ = mine->own.ends_s();
    renewal_.emplace(mine->own.begins_s() + Authority::kClockSkewS, ends_s_,
                     RandomBits());
  }
  if (mine && now >= renewal_->next_s()) Renew(now);
  strand_.PostAt(strand_.Now() + options_.look, [this] { Look(); });
}

void CredentialRenewer::Renew(std::int64_t now_s) {
  std::string error;
  const auto mine = ReadCredentials(options_.file, &error);
  const auto renewed = mine
                           ? RenewCredentials(options_.address, *mine,
                                              kPatience, &error, options_.clock)
                           : std::nullopt;
  if (!renewed || !WriteCredentials(options_.file, *renewed, &error)) {
    MOBULA_LOG(WARNING) << "the certificate of this node, which ends in "
                        << ends_s_ - now_s << " s, is not made anew: " << error;
    renewal_->Failed(now_s);
    return;
  }
  MOBULA_LOG(INFO) << "the certificate of this node is made anew";
  if (options_.on_renewed) options_.on_renewed(renewed->own.ends_s());
}

}  // namespace mobula::base
