#include "api/mobula/detail/key_calls.h"

#include <memory>
#include <utility>

#include "api/mobula/detail/ask_control.h"
#include "api/mobula/detail/session.h"
#include "api/mobula/error.h"
#include "base/control/control_message.h"
#include "base/control/control_request.h"
#include "base/failure.h"
#include "runtime/process/backend.h"

namespace mobula::detail {
namespace {

// What a request can hold at all; the control store's own limit is lower.
constexpr std::uint64_t kRequestBytesMax =
    base::kControlMessageBytesMax - (std::uint64_t{1} << 20);

std::string NamespaceOf(const runtime::Backend& backend,
                        const KvOptions& options) {
  const std::string& ns = options.values().ns;
  return ns.empty() ? backend.home().ns : ns;
}

base::Duration PatienceOf(const KvOptions& options) {
  const auto& timeout = options.values().timeout;
  return timeout.has_value() ? timeout->nanoseconds() : kControlPatience;
}

void RefuseExpect(std::string_view function, const KvOptions& options) {
  if (!options.values().expected.has_value()) return;
  ThrowBadArgument(std::string(function) +
                   " changes nothing: Expect is of KvPut and KvDelete");
}

}  // namespace

std::uint64_t PutKey(std::string_view key, std::string encoded,
                     const KvOptions& options) {
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  if (key.size() + encoded.size() > kRequestBytesMax) {
    ThrowFailure(base::NotRun(base::FailureCode::kTooLarge,
                              "KvPut of " + std::to_string(encoded.size()) +
                                  " bytes: keys hold small values"));
  }
  base::PutKey put;
  put.ns = NamespaceOf(backend, options);
  put.key = key;
  put.value = base::Bytes::Own(std::move(encoded));
  put.expected = options.values().expected;
  return AskControl<base::KeyAnswer>(backend, std::move(put),
                                     PatienceOf(options))
      .version;
}

std::optional<FoundKey> GetKey(std::string_view key, const KvOptions& options) {
  RefuseExpect("KvGet", options);
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  base::GetKey get;
  get.ns = NamespaceOf(backend, options);
  get.key = key;
  auto answer =
      AskControl<base::KeyAnswer>(backend, std::move(get), PatienceOf(options));
  if (!answer.value.has_value()) return std::nullopt;
  return FoundKey{*std::move(answer.value), answer.version};
}

bool DeleteKey(std::string_view key, const KvOptions& options) {
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  base::DeleteKey gone;
  gone.ns = NamespaceOf(backend, options);
  gone.key = key;
  gone.expected = options.values().expected;
  return AskControl<base::KeyAnswer>(backend, std::move(gone),
                                     PatienceOf(options))
             .version > 0;
}

std::vector<std::string> ListKeys(std::string_view prefix,
                                  const KvOptions& options) {
  RefuseExpect("KvList", options);
  const std::shared_ptr<Session> session = Session::Require();
  runtime::Backend& backend = session->OpenBackend();
  base::ListKeys list;
  list.ns = NamespaceOf(backend, options);
  list.prefix = prefix;
  std::vector<std::string> keys;
  while (true) {
    auto answer =
        AskControl<base::KeysAnswer>(backend, list, PatienceOf(options));
    for (std::string& key : answer.keys) keys.push_back(std::move(key));
    if (!answer.more || answer.keys.empty()) return keys;
    list.after = keys.back();
  }
}

}  // namespace mobula::detail
