#include "base/tls/tls_end.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/security/openssl_types.h"

namespace mobula::base {
namespace {

constexpr std::size_t kChunkBytes = 16384;

struct Meaning {
  const char* text = nullptr;
  bool for_good = false;
};

// What the other end says by an alert: it is of our certificate.
Meaning MeaningOfAlert(int reason) {
  switch (reason) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return {"it says that our certificate has expired", true};
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return {"it says that our certificate is of another cluster", true};
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
      return {"it says that our certificate is for another role", true};
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      return {
          "it does not take our certificate: it is damaged, or the clocks of "
          "the two machines differ",
          true};
    default:
      return {};
  }
}

Meaning MeaningOf(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_BAD_RECORD_TYPE:
      return {"what it says is not TLS", true};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return {"it does not speak TLS 1.3", true};
    default:
      return MeaningOfAlert(reason);
  }
}

}  // namespace

TlsEnd::TlsEnd(std::shared_ptr<const TlsContext> context, bool accepts)
    : context_(std::move(context)),
      accepts_(accepts),
      seen_(std::make_unique<Seen>()),
      ssl_(SSL_new(context_->get()), SSL_free) {
  MOBULA_CHECK(ssl_ != nullptr);
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  MOBULA_CHECK(in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_app_data(ssl_.get(), seen_.get());
  if (accepts) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

TlsEnd::~TlsEnd() = default;

void TlsEnd::Feed(std::string_view from_wire) {
  if (state_ == State::kEnded) return;
  BIO* const in = SSL_get_rbio(ssl_.get());
  if (!from_wire.empty()) {
    const int size = static_cast<int>(from_wire.size());
    MOBULA_CHECK(BIO_write(in, from_wire.data(), size) == size);
  }
  Go();
}

void TlsEnd::Go() {
  ERR_clear_error();
  if (state_ == State::kShaking) {
    const int done = SSL_do_handshake(ssl_.get());
    if (done != 1) {
      if (SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) Fail();
      return;
    }
    state_ = State::kOpen;
  }
  std::array<char, kChunkBytes> chunk;
  while (state_ == State::kOpen) {
    const int count = SSL_read(ssl_.get(), chunk.data(), chunk.size());
    if (count > 0) {
      input_.append(chunk.data(), static_cast<std::size_t>(count));
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), count);
    if (error == SSL_ERROR_WANT_READ) return;
    if (error == SSL_ERROR_ZERO_RETURN) {
      return End("it closed the connection", false);
    }
    return Fail();
  }
}

void TlsEnd::Fail() {
  const unsigned long error = ERR_peek_last_error();
  const char* const words = ERR_reason_error_string(error);
  const Meaning meaning = MeaningOf(ERR_GET_REASON(error));
  std::string text = words == nullptr ? "the handshake failed" : words;
  bool for_good = meaning.for_good;
  if (meaning.text != nullptr) text = meaning.text;
  if (seen_->fault != CertificateFault::kNone) {
    text =
        "the certificate that it shows is refused: " + FaultText(seen_->fault);
    for_good = true;
  }
  ERR_clear_error();
  End(std::move(text), for_good);
}

void TlsEnd::End(std::string why, bool for_good) {
  state_ = State::kEnded;
  why_ = std::move(why);
  for_good_ = for_good;
}

std::string TlsEnd::TakeOutput() {
  BIO* const out = SSL_get_wbio(ssl_.get());
  std::string bytes(BIO_ctrl_pending(out), '\0');
  if (bytes.empty()) return bytes;
  const int size = static_cast<int>(bytes.size());
  MOBULA_CHECK(BIO_read(out, bytes.data(), size) == size);
  return bytes;
}

void TlsEnd::Send(std::string_view plain) {
  MOBULA_CHECK(state_ == State::kOpen);
  while (!plain.empty()) {
    ERR_clear_error();
    const int size =
        static_cast<int>(std::min<std::size_t>(plain.size(), kChunkBytes));
    const int sent = SSL_write(ssl_.get(), plain.data(), size);
    if (sent <= 0) return Fail();
    plain.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void TlsEnd::Close() {
  if (state_ != State::kOpen) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  End("it was closed here", false);
}

}  // namespace mobula::base
