#include "runtime/process/worker_start.h"

#include <charconv>
#include <system_error>

namespace mobula::runtime {
namespace {

// Cuts what stands before the next colon off `rest`.
std::string_view NextField(std::string_view* rest) {
  const std::size_t colon = rest->find(':');
  const std::string_view field = rest->substr(0, colon);
  rest->remove_prefix(colon == std::string_view::npos ? rest->size()
                                                      : colon + 1);
  return field;
}

template <class AnId>
bool ParseId(std::string_view text, AnId* id) {
  const std::optional<AnId> parsed = AnId::Parse(text);
  if (!parsed || parsed->IsNil()) return false;
  *id = *parsed;
  return true;
}

}  // namespace

std::optional<WorkerStart> ParseWorkerStart(std::string_view text,
                                            std::string* why) {
  WorkerStart start;
  std::string_view rest = text;
  const std::string_view version = NextField(&rest);
  const auto parsed = std::from_chars(
      version.data(), version.data() + version.size(), start.version);
  const bool is_number =
      parsed.ec == std::errc() && parsed.ptr == version.data() + version.size();
  if (!is_number || start.version == 0) {
    *why = "MOBULA_WORKER is for the node's agent alone to set";
    return std::nullopt;
  }
  if (start.version != kWorkerStartVersion) return start;
  if (ParseId(NextField(&rest), &start.process) &&
      ParseId(NextField(&rest), &start.raylet) &&
      ParseId(NextField(&rest), &start.job) && rest.empty()) {
    return start;
  }
  *why = "MOBULA_WORKER holds no ids";
  return std::nullopt;
}

}  // namespace mobula::runtime
