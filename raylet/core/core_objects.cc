// The part of Core that is about objects beyond the node: what the control
// store is told of them, and the published values that this node keeps.
#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "raylet/core/core.h"

namespace mobula::raylet {
namespace {

// Names that one process has asked for and that are not answered.
constexpr std::size_t kPublishingMax = 1'000;

}  // namespace

void Core::TellObjects() {
  std::optional<base::NodeObjects> news = store_.TakeNews(now_);
  if (news.has_value()) {
    news->node = options_.node;
    effects_->emplace_back(TellControl{*std::move(news)});
  }
  if (store_.TakeKeptLost()) TellKept();
}

void Core::TellKept() {
  if (!line_.joined()) return;  // it is told when it has joined
  effects_->emplace_back(
      TellControl{base::KeptObjects{options_.node, store_.kept().Named()}});
}

void Core::OnPublish(ProcessId from, base::RequestId request,
                     base::PublishValue publish) {
  const auto of = publishing_of_.find(from);
  const std::size_t pending =
      of == publishing_of_.end() ? 0 : of->second.size();
  if (pending > 0 && of->second.contains(request)) return;
  const auto refuse = [this, from, request](base::FailureCode code,
                                            std::string message) {
    base::Failure failure = base::NotRun(code, std::move(message));
    failure.node = options_.node_name;
    SendTo(from, base::ControlAnswer{request, from, std::move(failure)});
  };
  if (pending >= kPublishingMax) {
    return refuse(base::FailureCode::kLimit,
                  "this process has asked for " + std::to_string(pending) +
                      " names for values that are not answered yet");
  }
  const base::ObjectName name{ids_.Next<base::ObjectId>(), options_.self};
  if (!store_.Keep(name, publish.value.job, publish.extent,
                   publish.value.ns + "/" + publish.value.name)) {
    return refuse(base::FailureCode::kObjectLost,
                  "the value is not in the store of this node");
  }
  publish.extent = base::Extent();
  publish.value.object = name.object;
  publish.value.node = options_.node;
  publishing_of_[from].insert(request);
  // The raylet's own, so that its end is heard of whatever becomes of `from`.
  const base::RequestId asked = Ask(std::move(publish));
  publishing_[asked] = {from, request, name.object};
}

void Core::OnPublishAnswered(const base::ControlAnswer& answer) {
  const auto found = publishing_.find(answer.request);
  MOBULA_CHECK(found != publishing_.end());
  const Publishing publishing = found->second;
  publishing_.erase(found);
  const auto of = publishing_of_.find(publishing.from);
  if (of != publishing_of_.end()) {
    of->second.erase(publishing.request);
    if (of->second.empty()) publishing_of_.erase(of);
  }
  if (!std::holds_alternative<base::Done>(answer.body)) {
    store_.LetGo(publishing.object, *effects_);
  } else if (!store_.Confirm(publishing.object)) {
    TellKept();  // it was lost before it had its name
  }
  SendTo(publishing.from,
         base::ControlAnswer{publishing.request, publishing.from, answer.body});
}

void Core::OnDropKept(const base::DropKept& drop) {
  for (const base::ObjectId object : drop.objects) {
    // One that is asked for is answered yet.
    if (!store_.kept().IsAsked(object)) store_.LetGo(object, *effects_);
  }
}

}  // namespace mobula::raylet
