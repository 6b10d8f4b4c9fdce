// KvOptions says how a key is read or changed.
//
//   mobula::KvOptions options;
//   options.Namespace("team").Expect(entry->version);
//
// Every setter throws BadArgument for a value that makes no sense.
// Threading: a value.
#ifndef MOBULA_API_MOBULA_KV_OPTIONS_H_
#define MOBULA_API_MOBULA_KV_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "api/mobula/timeout.h"

namespace mobula {

class KvOptions {
 public:
  KvOptions();

  // Default: the program's own (InitOptions::Namespace).
  KvOptions& Namespace(std::string ns);
  // Change the key only if it is at this version, 0 for "there is none"; else
  // Conflict. Of KvPut and KvDelete.
  KvOptions& Expect(std::uint64_t version);
  // How long to wait for the control store; then ControlAway. Default 30 s.
  KvOptions& Timeout(mobula::Timeout timeout);

  struct Values {
    std::string ns;  // "": the program's own
    std::optional<std::uint64_t> expected;
    std::optional<mobula::Timeout> timeout;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_KV_OPTIONS_H_
