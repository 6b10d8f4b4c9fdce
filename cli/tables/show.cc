#include "cli/tables/show.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/control/records.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/ids.h"
#include "cli/tables/ask_tasks.h"
#include "cli/tables/items.h"
#include "cli/tables/json_text.h"
#include "cli/tables/object_rows.h"
#include "cli/tables/task_rows.h"
#include "cli/tools/ask_raylet.h"
#include "cli/tools/find_actor.h"
#include "cli/tools/id_matches.h"

namespace mobula::cli {
namespace {

constexpr base::Duration kRayletPatience = std::chrono::seconds(5);
constexpr char kObjects[] = "objects";

std::int64_t WallMs() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

Shown Complain(int exit_code, const std::string& sentence) {
  return {exit_code, "", "mobula: " + sentence + "\n"};
}

// What there is of one kind.
struct Found {
  std::vector<Item> items;
  std::vector<std::string> ids;  // of the items
  std::size_t hidden = 0;        // dead or ended, and not asked for
  // Of objects only: that are not listed, and of them those without a name.
  std::uint64_t left_out = 0;
  std::uint64_t unnamed = 0;
};

template <class Record, class IdOf, class IsOver>
Found Gather(const std::vector<Record>& records, bool all, IdOf id_of,
             IsOver is_over) {
  Found found;
  const std::int64_t now = WallMs();
  for (const Record& record : records) {
    if (!all && is_over(record)) {
      ++found.hidden;
      continue;
    }
    found.items.push_back(ItemOf(record, now));
    found.ids.push_back(id_of(record).ToString());
  }
  return found;
}

std::optional<Found> FindNodesOf(const Store& store, bool all,
                                 std::string* error) {
  const auto answer =
      AskFor<base::NodesAnswer>(store, base::ListNodes(), error);
  if (!answer) return std::nullopt;
  return Gather(
      answer->nodes, all,
      [](const base::NodeRecord& node) { return node.node; },
      [](const base::NodeRecord& node) {
        return node.state == base::NodeState::kDead;
      });
}

std::optional<Found> FindJobs(const Store& store, bool all,
                              std::string* error) {
  const auto answer = AskFor<base::JobsAnswer>(store, base::ListJobs(), error);
  if (!answer) return std::nullopt;
  return Gather(
      answer->jobs, all, [](const base::JobRecord& job) { return job.job; },
      [](const base::JobRecord& job) {
        return job.state == base::JobState::kEnded;
      });
}

std::optional<Found> FindActors(const Store& store, bool all,
                                std::string* error) {
  std::vector<base::ActorRecord> actors;
  base::ListActors list;
  list.with_dead = all;
  for (;;) {
    auto part = AskFor<base::ActorsAnswer>(store, list, error);
    if (!part) return std::nullopt;
    actors.insert(actors.end(), part->actors.begin(), part->actors.end());
    if (!part->more || part->actors.empty()) break;
    list.after = part->actors.back().actor;
  }
  return Gather(
      actors, /*all=*/true,
      [](const base::ActorRecord& actor) { return actor.actor; },
      [](const base::ActorRecord&) { return false; });
}

Found GatherObjects(const std::vector<ObjectRow>& rows) {
  return Gather(
      rows, /*all=*/true,
      [](const ObjectRow& row) { return row.object.object; },
      [](const ObjectRow&) { return false; });
}

std::optional<Found> FindObjectsOf(const Store& store, bool all,
                                   std::string* error) {
  const std::size_t rows_max =
      all ? std::numeric_limits<std::size_t>::max() : kObjectRowsMax;
  const auto objects = FindObjects(store, rows_max, error);
  if (!objects) return std::nullopt;
  Found found = GatherObjects(objects->rows);
  found.left_out = objects->more + objects->unnamed;
  found.unnamed = objects->unnamed;
  return found;
}

// What the raylets of this machine say; what one does not say is in `error`.
base::LocalListing AskRaylets(const std::vector<base::NodeFile>& nodes,
                              std::string* error) {
  base::LocalListing all;
  for (const base::NodeFile& node : nodes) {
    std::string why;
    auto listing = AskRaylet(node.raylet, kRayletPatience, &why);
    if (!listing) {
      *error += (error->empty() ? "" : "; ") + why;
      continue;
    }
    all.workers.insert(all.workers.end(), listing->workers.begin(),
                       listing->workers.end());
    all.stores.insert(all.stores.end(), listing->stores.begin(),
                      listing->stores.end());
  }
  return all;
}

Found FindWorkers(const base::LocalListing& listing) {
  return Gather(
      listing.workers, /*all=*/true,
      [](const base::WorkerInfo& worker) { return worker.process; },
      [](const base::WorkerInfo&) { return false; });
}

// Whose ids begin so, as far as they are told; a whole one is told for sure.
Found FindTasksBeginning(const std::vector<base::NodeFile>& nodes,
                         const std::string& beginning, std::string* error) {
  base::ListTasks question;
  question.rows_max = kTaskRowsOfProcessMax;
  question.task = base::TaskId::Parse(beginning).value_or(base::TaskId());
  Found found;
  for (const TaskRow& row : AskTasks(nodes, question, "", error).rows) {
    const std::string id = row.task.task.ToString();
    if (!id.starts_with(beginning)) continue;
    found.items.push_back(ItemOf(row));
    found.ids.push_back(id);
  }
  return found;
}

// The control store does not know them: each is its node's own affair.
Found FindJobsOfActors(const base::LocalListing& listing) {
  Found found;
  std::set<base::JobId> seen;
  for (const base::WorkerInfo& worker : listing.workers) {
    if (worker.actor.IsNil() || !seen.insert(worker.job).second) continue;
    found.items.push_back(JobOfActor(worker));
    found.ids.push_back(worker.job.ToString());
  }
  return found;
}

// Another word for those that are hidden, by kind.
std::string HiddenNote(const ListCommand& command, std::size_t hidden) {
  if (hidden == 0) return "";
  const std::string over = command.what == "jobs" ? "ended" : "dead";
  return std::to_string(hidden) + " " + over +
         (hidden == 1 ? " one is" : " ones are") +
         " not shown; --all shows all\n";
}

std::string LeftOutNote(const Found& found) {
  std::string note;
  const std::uint64_t more = found.left_out - found.unnamed;
  if (more > 0) {
    note += std::to_string(more) + " more are not shown; --all shows all\n";
  }
  if (found.unnamed > 0) {
    note += std::to_string(found.unnamed) +
            " more are in the stores of nodes, which have only counted them "
            "(yet)\n";
  }
  return note;
}

Shown ShowFound(const ListCommand& command, const Found& found) {
  Shown shown;
  if (command.json) {
    std::vector<std::string> objects;
    for (const Item& item : found.items) objects.push_back(JsonOf(item));
    JsonObject all;
    all.Add(command.what, JsonArray(objects));
    if (command.what == kObjects) {
      all.Add("left_out", std::to_string(found.left_out));
    }
    shown.out = all.text() + "\n";
    return shown;
  }
  shown.out = TableOf(found.items);
  if (found.items.empty()) shown.err = "no " + command.what + "\n";
  shown.err += HiddenNote(command, found.hidden) + LeftOutNote(found);
  return shown;
}

Shown ShowWorkers(const ListCommand& command) {
  const std::vector<base::NodeFile> nodes = LocalNodes(command.store);
  if (nodes.empty()) {
    return Complain(kNoCluster,
                    "no node of yours runs on this machine, and only its own "
                    "raylet knows a node's " +
                        command.what);
  }
  std::string error;
  const base::LocalListing listing = AskRaylets(nodes, &error);
  Shown shown = ShowFound(command, FindWorkers(listing));
  if (!error.empty()) {
    shown.exit_code = kFailed;
    shown.err += "mobula: " + error + "\n";
  }
  return shown;
}

// The store that is meant, or nothing and what to show instead.
std::optional<Store> StoreFor(const StoreFlags& flags, Shown* instead) {
  std::string error;
  auto store = ChooseStore(flags, &error);
  if (!store) {
    *instead = Complain(KnowsNoStore(flags) ? kNoCluster : kFailed, error);
  }
  return store;
}

// The one thing whose id begins so, of every kind.
class Search {
 public:
  explicit Search(const std::string& beginning) : matches_(beginning) {}

  void Add(const char* kind, const Found& found) {
    for (std::size_t i = 0; i < found.ids.size(); ++i) {
      if (!matches_.Add(found.ids[i], kind)) continue;
      kind_ = kind;
      item_ = found.items[i];
    }
  }
  [[nodiscard]] bool IsEmpty() const { return matches_.found().empty(); }
  [[nodiscard]] Shown Result(bool json) const {
    if (matches_.found().size() != 1) {
      return Complain(kFailed, matches_.Complaint());
    }
    return ShowOne(kind_, item_, json);
  }
  static Shown ShowOne(const char* kind, const Item& item, bool json) {
    Item with_kind = {{"kind", kind, JsonString(kind), true}};
    with_kind.insert(with_kind.end(), item.begin(), item.end());
    return {0, json ? JsonOf(with_kind) + "\n" : DetailsOf(with_kind), ""};
  }

 private:
  IdMatches matches_;
  const char* kind_ = "";
  Item item_;
};

Shown GetById(const Store& store, const GetCommand& command) {
  Search search(command.which);
  std::string error;
  using Finder = std::optional<Found> (*)(const Store&, bool, std::string*);
  const std::pair<const char*, Finder> kinds[] = {
      {"node", FindNodesOf}, {"job", FindJobs}, {"actor", FindActors}};
  for (const auto& [kind, find] : kinds) {
    const std::optional<Found> found = find(store, /*all=*/true, &error);
    if (!found) return Complain(kFailed, error);
    search.Add(kind, *found);
  }
  const auto objects = FindObjectsBeginning(store, command.which, &error);
  if (!objects) return Complain(kFailed, error);
  search.Add("object", GatherObjects(*objects));
  if (search.IsEmpty()) {
    const std::vector<base::NodeFile> nodes = LocalNodes(command.store);
    const base::LocalListing local = AskRaylets(nodes, &error);
    search.Add("worker", FindWorkers(local));
    search.Add("task", FindTasksBeginning(nodes, command.which, &error));
    search.Add("job", FindJobsOfActors(local));
  }
  return search.Result(command.json);
}

// The worker with that pid, where it is one.
std::optional<Item> WorkerWithPid(const GetCommand& command) {
  std::string error;
  for (const base::WorkerInfo& worker :
       AskRaylets(LocalNodes(command.store), &error).workers) {
    if (std::to_string(worker.pid) == command.which) {
      return ItemOf(worker, WallMs());
    }
  }
  return std::nullopt;
}

}  // namespace

Shown Show(const StatusCommand& command) {
  Shown shown;
  const std::optional<Store> store = StoreFor(command.store, &shown);
  if (!store) return shown;
  std::string error;
  const auto status =
      AskFor<base::StatusAnswer>(*store, base::GetStatus(), &error);
  if (!status) return Complain(kFailed, error);
  const std::string address = store->address.ToString();
  StoreFlags flags = command.store;
  flags.address = address;
  const std::vector<base::StoreInfo> stores =
      AskRaylets(LocalNodes(flags), &error).stores;
  shown.out = command.json ? JsonOf(*status, address, stores) + "\n"
                           : TextOf(*status, address, stores);
  if (!error.empty()) shown.err = "mobula: " + error + "\n";
  return shown;
}

Shown Show(const ListCommand& command) {
  if (command.what == "workers") return ShowWorkers(command);
  if (command.what == "tasks") {
    TaskSelection selection = command.tasks;
    if (command.all) selection.limit = std::numeric_limits<std::size_t>::max();
    return ShowTasks(command.store, selection, command.json);
  }
  Shown shown;
  const std::optional<Store> store = StoreFor(command.store, &shown);
  if (!store) return shown;
  std::string error;
  std::optional<Found> found;
  if (command.what == "nodes") {
    found = FindNodesOf(*store, command.all, &error);
  } else if (command.what == "jobs") {
    found = FindJobs(*store, command.all, &error);
  } else if (command.what == kObjects) {
    found = FindObjectsOf(*store, command.all, &error);
  } else {
    found = FindActors(*store, command.all, &error);
  }
  if (!found) return Complain(kFailed, error);
  return ShowFound(command, *found);
}

Shown Show(const GetCommand& command) {
  Shown shown;
  const std::optional<Store> store = StoreFor(command.store, &shown);
  if (!store) return shown;
  if (IsPid(command.which)) {
    const std::optional<Item> worker = WorkerWithPid(command);
    if (worker) return Search::ShowOne("worker", *worker, command.json);
  }
  if (IdMatches::IsBeginning(command.which)) {
    shown = GetById(*store, command);
    if (shown.exit_code == 0) return shown;
  }
  std::string error;
  const auto actor = FindActor(*store, command.ns, command.which, &error);
  if (actor) {
    return Search::ShowOne("actor", ItemOf(*actor, WallMs()), command.json);
  }
  return shown.exit_code != 0 ? shown : Complain(kFailed, error);
}

int Print(const Shown& shown) {
  std::fputs(shown.out.c_str(), stdout);
  std::fflush(stdout);
  std::fputs(shown.err.c_str(), stderr);
  return shown.exit_code;
}

}  // namespace mobula::cli
