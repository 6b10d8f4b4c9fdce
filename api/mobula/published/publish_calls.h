// What the templates of publish.h stand on: published values without types. Not
// for users.
// Threading: every function from any thread.   Failure: typed errors.
#ifndef MOBULA_API_MOBULA_PUBLISHED_PUBLISH_CALLS_H_
#define MOBULA_API_MOBULA_PUBLISHED_PUBLISH_CALLS_H_

#include <string>
#include <string_view>

#include "api/mobula/detail/calls.h"
#include "api/mobula/published/publish_options.h"

namespace mobula::detail {

// `type`: as a person reads it.
void PublishObject(std::string_view name, const ObjectPtr& object,
                   std::string_view type, const PublishOptions& options);
// `ns`: "" for the program's own.
ObjectPtr LookupObject(std::string_view name, const std::string& ns);
bool UnpublishName(std::string_view name, const std::string& ns);

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_PUBLISHED_PUBLISH_CALLS_H_
