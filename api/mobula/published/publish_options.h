// PublishOptions says how a value is published.
//
//   mobula::PublishOptions options;
//   options.Namespace("team").Replace().Durable();
//
// Every setter throws BadArgument for a value that makes no sense.
// Threading: a value.
#ifndef MOBULA_API_MOBULA_PUBLISHED_PUBLISH_OPTIONS_H_
#define MOBULA_API_MOBULA_PUBLISHED_PUBLISH_OPTIONS_H_

#include <optional>
#include <string>

#include "api/mobula/timeout.h"

namespace mobula {

class PublishOptions {
 public:
  PublishOptions();

  // Default: the program's own (InitOptions::Namespace).
  PublishOptions& Namespace(std::string ns);
  // A value that has the name loses it; else NameTaken.
  PublishOptions& Replace();
  // The control store keeps the bytes in its log, 4 MiB at most: the value is
  // there as long as the head's folder is, whatever dies. Values up to 4 KiB
  // are kept there in any case.
  PublishOptions& Durable();
  // How long to wait for the value, and then for the control store. Default:
  // for the value as Get does, for the control store 30 s.
  PublishOptions& Timeout(mobula::Timeout timeout);

  struct Values {
    std::string ns;  // "": the program's own
    bool replace = false;
    bool durable = false;
    std::optional<mobula::Timeout> timeout;
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_PUBLISHED_PUBLISH_OPTIONS_H_
