#include "api/mobula/detail/init_flags.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "api/mobula/error.h"
#include "base/control/control_codec.h"

namespace mobula::detail {
namespace {

constexpr std::string_view kPrefix = "--mobula-";
constexpr std::string_view kKnown =
    "help, address, namespace, cpus, memory, resource, workers-max, local, "
    "log-level, program";

[[noreturn]] void Refuse(std::string_view flag, std::string_view value,
                         std::string_view wanted) {
  ThrowInitError("--mobula-" + std::string(flag) + "=" + std::string(value) +
                 ": " + std::string(wanted) + " is wanted");
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

// "512", "16G": bytes.
std::optional<std::int64_t> ParseBytes(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  int shift = 0;
  if (!text.empty()) {
    const std::size_t unit = kUnits.find(text.back());
    if (unit != kUnits.npos) {
      shift = 10 * (static_cast<int>(unit) + 1);
      text.remove_suffix(1);
    }
  }
  const std::optional<std::int64_t> number = ParseNumber<std::int64_t>(text);
  if (!number.has_value() || *number < 0 || *number > (INT64_MAX >> shift)) {
    return {};
  }
  return *number << shift;
}

void ApplyResource(std::string_view flag, std::string_view value,
                   InitOptions* options) {
  const std::size_t equals = value.find('=');
  if (equals == value.npos || equals == 0) Refuse(flag, value, "NAME=NUMBER");
  const auto quantity = ParseNumber<double>(value.substr(equals + 1));
  if (!quantity.has_value()) Refuse(flag, value, "NAME=NUMBER");
  options->Resource(value.substr(0, equals), *quantity);
}

void ApplyLogLevel(std::string_view flag, std::string_view value,
                   InitOptions* options) {
  if (value == "debug") {
    options->LogLevel(LogLevel::kDebug);
  } else if (value == "info") {
    options->LogLevel(LogLevel::kInfo);
  } else if (value == "warning") {
    options->LogLevel(LogLevel::kWarning);
  } else if (value == "error") {
    options->LogLevel(LogLevel::kError);
  } else {
    Refuse(flag, value, "debug, info, warning or error");
  }
}

// One flag that has a value.
void Apply(std::string_view flag, std::string_view value,
           InitOptions* options) {
  if (flag == "cpus") {
    const auto cpus = ParseNumber<double>(value);
    if (!cpus.has_value() || *cpus == 0) {
      Refuse(flag, value, "a number above 0");
    }
    options->Cpus(*cpus);
  } else if (flag == "memory") {
    const auto bytes = ParseBytes(value);
    if (!bytes.has_value()) Refuse(flag, value, "bytes (K, M, G, T)");
    options->Memory(*bytes);
  } else if (flag == "resource") {
    ApplyResource(flag, value, options);
  } else if (flag == "workers-max") {
    const auto workers = ParseNumber<int>(value);
    if (!workers.has_value()) Refuse(flag, value, "a whole number");
    options->WorkersMax(*workers);
  } else if (flag == "log-level") {
    ApplyLogLevel(flag, value, options);
  } else if (flag == "program") {
    options->Program(std::string(value));
  } else if (flag == "address") {
    if (value.empty()) Refuse(flag, value, "an address, auto or embedded");
    if (options->values().address.empty()) options->Address(std::string(value));
  } else if (flag == "namespace") {
    const std::string wrong = base::WrongWithName(value);
    if (!wrong.empty()) Refuse(flag, value, "a name (" + wrong + ")");
    options->Namespace(std::string(value));
  } else {
    ThrowInitError("--mobula-" + std::string(flag) +
                   ": no such flag; there are: " + std::string(kKnown));
  }
}

}  // namespace

std::string FlagsHelp() {
  return R"(Flags of the Mobula runtime, beside the program's own:
  --mobula-address ADDRESS    join this cluster: HOST:PORT or unix:PATH of its
                              control store, auto (a node of this machine),
                              embedded (a head for this program alone).
                              Also MOBULA_ADDRESS. Default: auto if a node
                              runs, else embedded.
  --mobula-namespace NAME     of actors' names and keys (default)
  --mobula-local              run everything in this process, for debuggers
  --mobula-log-level LEVEL    debug, info, warning or error
Of a head for this program alone:
  --mobula-cpus N             processors to offer
  --mobula-memory BYTES       memory to offer (K, M, G, T allowed)
  --mobula-resource NAME=N    a resource of your own to offer
  --mobula-workers-max N      worker processes at most
  --mobula-program PATH       the `mobula` program to start
)";
}

GivenFlags ApplyFlags(const std::vector<char*>& args, InitOptions* options) {
  GivenFlags given;
  std::vector<char*>& others = given.others;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view flag = args[i];
    if (i == 0 || !flag.starts_with(kPrefix)) {
      others.push_back(args[i]);
      if (i == 0 || flag != "--") continue;
      others.insert(others.end(), args.begin() + static_cast<long>(i) + 1,
                    args.end());
      break;
    }
    flag.remove_prefix(kPrefix.size());
    const std::size_t equals = flag.find('=');
    if (flag == "local") {
      options->Local();
    } else if (flag == "help") {
      given.help = true;
    } else if (equals != flag.npos) {
      Apply(flag.substr(0, equals), flag.substr(equals + 1), options);
    } else if (i + 1 < args.size()) {
      Apply(flag, args[++i], options);
    } else {
      Apply(flag, "", options);
    }
  }
  return given;
}

}  // namespace mobula::detail
