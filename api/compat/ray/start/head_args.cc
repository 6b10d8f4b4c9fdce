#include "api/compat/ray/start/head_args.h"

#include <charconv>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "api/compat/ray/api/ray_exception.h"

namespace ray::internal {
namespace {

template <class T>
T ParseNumber(const std::string& flag, const std::string& text) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(number >= 0)) {
    throw RayException("head_args: " + flag + " wants a number, not \"" + text +
                       "\".");
  }
  return number;
}

void ParseResources(const std::string& text, HeadOffer* offer) {
  try {
    const auto json = nlohmann::json::parse(text);
    for (const auto& [name, quantity] : json.items()) {
      offer->resources[name] = quantity.get<double>();
    }
  } catch (const nlohmann::json::exception& e) {
    throw RayException(
        "head_args: --resources wants a JSON object of names "
        "and numbers, like {\"disk\": 2}, not \"" +
        text + "\": " + e.what());
  }
}

// Whether the flag means something.
bool Take(const std::string& flag, const std::string& value, HeadOffer* offer) {
  if (flag == "--num-cpus") {
    offer->cpus = ParseNumber<double>(flag, value);
  } else if (flag == "--num-gpus") {
    offer->resources["GPU"] = ParseNumber<double>(flag, value);
  } else if (flag == "--memory") {
    offer->memory_bytes = ParseNumber<std::int64_t>(flag, value);
  } else if (flag == "--object-store-memory") {
    offer->object_store_bytes = ParseNumber<std::int64_t>(flag, value);
  } else if (flag == "--resources") {
    ParseResources(value, offer);
  } else {
    return false;
  }
  return true;
}

}  // namespace

HeadOffer ParseHeadArgs(const std::vector<std::string>& args) {
  HeadOffer offer;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::size_t equals = args[i].find('=');
    const std::string flag = args[i].substr(0, equals);
    std::string value;
    std::string said = args[i];
    if (equals != std::string::npos) {
      value = args[i].substr(equals + 1);
    } else if (i + 1 < args.size() && !args[i + 1].starts_with("--")) {
      value = args[++i];
      said += " " + value;
    }
    if (!Take(flag, value, &offer)) offer.ignored.push_back(said);
  }
  return offer;
}

}  // namespace ray::internal
