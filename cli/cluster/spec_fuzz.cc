// Reads what it is given as a cluster's file and as a launcher's state. What is
// taken must be planned, written and read again as it was.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "cli/cluster/cluster_plan.h"
#include "cli/cluster/cluster_spec.h"
#include "cli/cluster/cluster_state.h"

namespace mobula::cli {
namespace {

void ReadAsFile(std::string_view text) {
  std::vector<SpecError> errors;
  const auto spec = ParseClusterSpec(text, {"/f", "/h"}, &errors);
  MOBULA_CHECK(spec.has_value() == errors.empty(), "taken with errors");
  for (const SpecError& error : errors) {
    MOBULA_CHECK(error.line >= 1 && !error.what.empty(), "no sentence");
  }
  if (!spec) return;
  ClusterState state;
  state.name = spec->name;
  state.id = "0123456789ab";
  state.text = text;
  std::string error;
  const auto steps = PlanUp(*spec, state, {}, &error);
  if (!steps) return;
  std::map<std::string, Found> found;
  for (const NodeStep& step : *steps) {
    state.nodes.push_back(step.node);
    state.nodes.back().is_up = true;
    found[step.node.name] = Found::kUp;
  }
  const auto again = ReadClusterState(WriteClusterState(state), &error);
  MOBULA_CHECK(again == state, "the state is read otherwise");
  const auto none = PlanUp(*spec, state, found, &error);
  MOBULA_CHECK(none.has_value(), "no plan for what is there");
  for (const NodeStep& step : *none) {
    MOBULA_CHECK(step.kind == StepKind::kKeep, "there is something to do");
  }
}

void ReadAsState(std::string_view text) {
  std::string error;
  const auto state = ReadClusterState(text, &error);
  if (!state) return;
  const auto again = ReadClusterState(WriteClusterState(*state), &error);
  MOBULA_CHECK(again == state, "the state is read otherwise");
}

}  // namespace
}  // namespace mobula::cli

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  mobula::cli::ReadAsFile(text);
  mobula::cli::ReadAsState(text);
  return 0;
}
