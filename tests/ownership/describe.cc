#include "tests/ownership/describe.h"

#include <variant>
#include <vector>

#include "base/failure.h"
#include "base/ids.h"
#include "base/value.h"

namespace mobula::ownership {
namespace {

template <class AnId>
std::string Id(const AnId& id) {
  return " " + std::to_string(id.hi) + "." + std::to_string(id.lo);
}
std::string Ids(const std::vector<base::ObjectId>& ids) {
  std::string text;
  for (const base::ObjectId id : ids) text += Id(id);
  return text;
}
std::string Text(const base::Value& value) {
  std::string text =
      value.is_stored() ? " stored" + Id(value.name().object) : " value";
  for (const base::ObjectName& name : value.refs()) {
    text += " &" + Id(name.object);
  }
  return text;
}
std::string Text(const base::Outcome& outcome) {
  if (const auto* value = std::get_if<base::Value>(&outcome)) {
    return Text(*value);
  }
  const auto& failure = std::get<base::Failure>(outcome);
  return " " + std::string(base::FailureCodeName(failure.code));
}
std::string Text(const std::vector<base::Value>& args) {
  std::string text;
  for (const base::Value& arg : args) text += Text(arg);
  return text;
}

struct Describe {
  std::string operator()(const base::RunTask& m) const {
    return "RunTask" + Id(m.task) + Text(m.args);
  }
  std::string operator()(const base::CreateActor& m) const {
    return "CreateActor" + Id(m.actor) + Text(m.args);
  }
  std::string operator()(const base::CallActor& m) const {
    return "CallActor" + Id(m.task) + Text(m.args);
  }
  std::string operator()(const base::CancelTask& m) const {
    return "CancelTask" + Id(m.task);
  }
  std::string operator()(const base::StopTask& m) const {
    return "StopTask" + Id(m.task);
  }
  std::string operator()(const base::TaskStopping& m) const {
    return "TaskStopping" + Id(m.task);
  }
  std::string operator()(const base::CancelObject& m) const {
    return "CancelObject" + Id(m.object);
  }
  std::string operator()(const base::TaskDone& m) const {
    return "TaskDone" + Id(m.task) + Text(m.outcome) +
           (m.lost.empty() ? "" : ", missed arguments");
  }
  std::string operator()(const base::TaskAside& m) const {
    return "TaskAside" + Id(m.task);
  }
  std::string operator()(const base::StreamItem& m) const {
    return "StreamItem" + Id(m.task) + " number " + std::to_string(m.index);
  }
  std::string operator()(const base::BorrowObjects& m) const {
    return "BorrowObjects" + Ids(m.objects);
  }
  std::string operator()(const base::ObjectsBorrowed& m) const {
    return "ObjectsBorrowed" + Ids(m.objects) + ", gone" + Ids(m.gone);
  }
  std::string operator()(const base::ObjectsTaken& m) const {
    return "ObjectsTaken" + Ids(m.objects);
  }
  std::string operator()(const base::WantObjects& m) const {
    return "WantObjects" + Ids(m.objects);
  }
  std::string operator()(const base::ObjectsLost& m) const {
    std::string text = "ObjectsLost";
    for (const base::LostBytes& one : m.objects) text += Id(one.object.object);
    return text;
  }
  std::string operator()(const base::ObjectIs& m) const {
    return "ObjectIs" + Id(m.object) + Text(m.outcome);
  }
  std::string operator()(const base::ReturnObjects& m) const {
    std::string text = "ReturnObjects";
    for (const base::ReturnedObject& one : m.objects) {
      text += Id(one.object) + "*" + std::to_string(one.lent_count);
    }
    return text;
  }
  std::string operator()(const base::OwnerGone& m) const {
    return "OwnerGone" + Id(m.owner);
  }
  std::string operator()(const base::ClaimObjects& m) const {
    std::string text = "ClaimObjects of" + Id(m.owner) + ":";
    for (const base::ClaimedObject& one : m.objects) {
      text += Id(one.object) + (one.is_settled ? "!" : "?");
    }
    return text;
  }
  std::string operator()(const base::ObjectStored& m) const {
    return "ObjectStored" + Id(m.object.object);
  }
  std::string operator()(const base::FreeObjects& m) const {
    std::string text = "FreeObjects";
    for (const base::FreedObject& one : m.objects) text += Id(one.object);
    return text;
  }
  std::string operator()(const base::Attach& m) const {
    return "Attach" + Id(m.peer);
  }
  std::string operator()(const base::ConnectTo& m) const {
    return "ConnectTo" + Id(m.peer);
  }
  std::string operator()(const base::PeerGone& m) const {
    return "PeerGone" + Id(m.peer);
  }
  std::string operator()(const base::LeaseGranted& m) const {
    return "LeaseGranted" + Id(m.worker);
  }
  std::string operator()(const base::Retire& m) const {
    return m.may_stay ? "Retire, or stay" : "Retire";
  }
  template <class Other>
  std::string operator()(const Other& m) const {
    return "message " + std::to_string(base::Message(m).index());
  }
};

}  // namespace

std::string DescribeMessage(const base::Message& message) {
  return std::visit(Describe(), message);
}

}  // namespace mobula::ownership
