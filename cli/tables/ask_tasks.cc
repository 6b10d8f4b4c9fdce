#include "cli/tables/ask_tasks.h"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "base/boot_time.h"
#include "base/frames/message.h"
#include "cli/tools/ask_raylet.h"

namespace mobula::cli {
namespace {

// Beyond what is given to processes.
constexpr base::Duration kRayletPatience = std::chrono::seconds(10);

std::optional<TaskReport> AskOne(const std::string& socket,
                                 const base::ListTasks& question,
                                 std::string* error) {
  TaskReport report;
  std::string refusal;
  const auto take = [&](base::Message message) {
    if (auto* part = std::get_if<base::TaskPart>(&message)) {
      report.parts.push_back(std::move(*part));
    } else if (auto* listed = std::get_if<base::TasksListed>(&message)) {
      report.listed = std::move(*listed);
      return true;
    } else if (auto* no = std::get_if<base::QuestionRefused>(&message)) {
      refusal = no->failure.message;
      return true;
    }
    return false;
  };
  const base::Duration patience =
      std::chrono::milliseconds(question.patience_ms) + kRayletPatience;
  if (!AskRaylet(socket, question, take, patience, error)) return std::nullopt;
  if (refusal.empty()) return report;
  *error = "the raylet at " + socket + ": " + refusal;
  return std::nullopt;
}

}  // namespace

TaskRows AskTasks(const std::vector<base::NodeFile>& nodes,
                  const base::ListTasks& question, const std::string& job,
                  std::string* error) {
  TaskRows all;
  for (const base::NodeFile& node : nodes) {
    std::string why;
    const auto report = AskOne(node.raylet, question, &why);
    if (report) {
      all.Add(*report, job);
    } else {
      *error += (error->empty() ? "" : "; ") + why;
    }
  }
  return all;
}

}  // namespace mobula::cli
