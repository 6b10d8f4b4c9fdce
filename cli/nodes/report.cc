#include "cli/nodes/report.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <variant>

#include "base/failure.h"
#include "base/ids.h"

namespace mobula::cli {
namespace {

// Longer than a lease: by then the store knows it without us.
constexpr base::Duration kPatience = std::chrono::seconds(15);

int Complain(const std::string& sentence) {
  std::fprintf(stderr, "mobula report-node-dead: %s\n", sentence.c_str());
  return 1;
}

}  // namespace

int RunReport(const ReportCommand& command) {
  std::string error;
  const auto node = base::NodeId::Parse(command.node);
  if (!node) return Complain(command.node + " is no node's id");
  std::optional<Store> store = ChooseStore(command.store, &error);
  if (!store) return Complain(error);
  store->absence = kPatience;
  const base::ControlReply reply =
      Ask(*store, base::ReportNodeDead{*node, command.cause}, kPatience);
  const auto* const failure = std::get_if<base::Failure>(&reply);
  return failure == nullptr ? 0 : Complain(failure->message);
}

}  // namespace mobula::cli
