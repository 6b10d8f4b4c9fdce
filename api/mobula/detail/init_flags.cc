#include "api/mobula/detail/init_flags.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "api/mobula/error.h"
#include "base/control/control_codec.h"
#include "base/scheduling/byte_amount.h"

namespace mobula::detail {
namespace {

constexpr std::string_view kPrefix = "--mobula-";
constexpr std::string_view kKnown =
    "help, address, namespace, cpus, memory, object-store-memory, "
    "spill-folder, resource, workers-max, weight, local, log-level, log-json, "
    "program";

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

base::ByteAmount ParseAmount(std::string_view flag, std::string_view value) {
  std::string error;
  const auto amount = base::ByteAmount::Parse(value, &error);
  if (!amount) {
    ThrowInitError("--mobula-" + std::string(flag) + ": " + error);
  }
  return *amount;
}

void ApplyMemory(std::string_view flag, std::string_view value,
                 InitOptions* options) {
  const base::ByteAmount amount = ParseAmount(flag, value);
  if (amount.is_share() || amount.is_zero()) {
    Refuse(flag, value, "a number of bytes above 0 (16GiB)");
  }
  options->Memory(static_cast<std::int64_t>(amount.Of(0)));
}

void ApplyResource(std::string_view flag, std::string_view value,
                   InitOptions* options) {
  const std::size_t equals = value.find('=');
  if (equals == value.npos || equals == 0) Refuse(flag, value, "NAME=NUMBER");
  const auto quantity = ParseNumber<double>(value.substr(equals + 1));
  if (!quantity.has_value()) Refuse(flag, value, "NAME=NUMBER");
  options->Resource(value.substr(0, equals), *quantity);
}

// Nothing if it is none.
std::optional<int> ParseWeight(std::string_view value) {
  const auto weight = ParseNumber<int>(value);
  const bool can_be =
      weight.has_value() && *weight >= 1 && *weight <= InitOptions::kWeightMax;
  return can_be ? weight : std::nullopt;
}

std::string WeightWanted() {
  return "a whole number from 1 to " + std::to_string(InitOptions::kWeightMax);
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

// One flag that has a value. What repeats is gathered.
void Apply(std::string_view flag, std::string_view value, InitOptions* options,
           std::vector<std::string>* spill_folders) {
  if (flag == "cpus") {
    const auto cpus = ParseNumber<double>(value);
    if (!cpus.has_value() || *cpus == 0) {
      Refuse(flag, value, "a number above 0");
    }
    options->Cpus(*cpus);
  } else if (flag == "memory") {
    ApplyMemory(flag, value, options);
  } else if (flag == "object-store-memory") {
    options->ObjectStoreMemory(ParseAmount(flag, value).ToString());
  } else if (flag == "spill-folder") {
    if (value.empty()) Refuse(flag, value, "a folder");
    spill_folders->emplace_back(value);
  } else if (flag == "resource") {
    ApplyResource(flag, value, options);
  } else if (flag == "workers-max") {
    const auto workers = ParseNumber<int>(value);
    if (!workers.has_value()) Refuse(flag, value, "a whole number");
    options->WorkersMax(*workers);
  } else if (flag == "weight") {
    const auto weight = ParseWeight(value);
    if (!weight.has_value()) Refuse(flag, value, WeightWanted());
    options->Weight(*weight);
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

int WeightOf(const InitOptions& options, std::string_view environment) {
  if (options.values().weight.has_value()) return *options.values().weight;
  if (environment.empty()) return 1;
  const auto weight = ParseWeight(environment);
  if (!weight.has_value()) {
    ThrowInitError("MOBULA_WEIGHT=" + std::string(environment) + ": " +
                   WeightWanted() + " is wanted");
  }
  return *weight;
}

std::string FlagsHelp() {
  return R"(Flags of the Mobula runtime, beside the program's own:
  --mobula-address ADDRESS    join this cluster: HOST:PORT or unix:PATH of its
                              control store, auto (a node of this machine),
                              embedded (a head for this program alone).
                              Also MOBULA_ADDRESS. Default: auto if a node
                              runs, else embedded.
  --mobula-namespace NAME     of actors' names and keys (default)
  --mobula-weight N           share of a node that several programs use, 1 to
                              1000: 3 beside 1 gets three times as many slots.
                              Also MOBULA_WEIGHT. Default: 1
  --mobula-local              run everything in this process, for debuggers
  --mobula-log-level LEVEL    debug, info, warning (that) or error. Also
                              MOBULA_LOG_LEVEL, for all that is started, too
  --mobula-log-json           log one JSON object a line. Also MOBULA_LOG_JSON=1
Of a head for this program alone:
  --mobula-cpus N             processors to offer
  --mobula-memory SIZE        memory to offer (16GiB)
  --mobula-object-store-memory SIZE
                              memory for large values (2GiB, 30%), 0 for none
  --mobula-spill-folder PATH  where they go that have no room there; repeats
  --mobula-resource NAME=N    a resource of your own to offer
  --mobula-workers-max N      worker processes at most
  --mobula-program PATH       the `mobula` program to start
)";
}

GivenFlags ApplyFlags(const std::vector<char*>& args, InitOptions* options) {
  GivenFlags given;
  std::vector<char*>& others = given.others;
  std::vector<std::string> spill_folders;
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
    } else if (flag == "log-json") {
      options->LogJson();
    } else if (flag == "help") {
      given.help = true;
    } else if (equals != flag.npos) {
      Apply(flag.substr(0, equals), flag.substr(equals + 1), options,
            &spill_folders);
    } else if (i + 1 < args.size()) {
      Apply(flag, args[++i], options, &spill_folders);
    } else {
      Apply(flag, "", options, &spill_folders);
    }
  }
  if (!spill_folders.empty()) options->SpillFolders(std::move(spill_folders));
  return given;
}

}  // namespace mobula::detail
