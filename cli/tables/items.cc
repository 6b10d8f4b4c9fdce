#include "cli/tables/items.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "cli/tables/amounts.h"
#include "cli/tables/json_text.h"
#include "cli/tables/text_table.h"

namespace mobula::cli {
namespace {

constexpr bool kDetail = false;  // for Field::in_table

Field Text(const char* name, const std::string& text, bool in_table = true) {
  return {name, text, JsonString(text), in_table};
}

template <class AnId>
Field IdOf(const char* name, const AnId& id, bool in_table = true) {
  if (id.IsNil()) return {name, "", "null", in_table};
  return Text(name, id.ToString(), in_table);
}

// 0 says nothing.
Field Number(const char* name, std::int64_t number, bool in_table = true) {
  const std::string text = std::to_string(number);
  return {name, number == 0 ? "" : text, text, in_table};
}

Field Bool(const char* name, bool value, bool in_table = true) {
  return {name, value ? "yes" : "", JsonBool(value), in_table};
}

Field Age(std::int64_t since_ms, std::int64_t now_ms) {
  const std::string age = since_ms == 0 ? "" : ShowAge(now_ms - since_ms);
  return {"since_ms", age, std::to_string(since_ms), true};
}

std::string ResourcesAsJson(const base::ResourceVector& resources) {
  JsonObject object;
  for (const auto& [name, units] : resources.units) {
    const std::string key = JsonString(name);
    object.Add(std::string_view(key).substr(1, key.size() - 2),
               ShowQuantity(units));
  }
  return object.text();
}

Field Resources(const char* name, const base::ResourceVector& resources) {
  return {name, ShowResources(resources), ResourcesAsJson(resources), true};
}

std::string TextOfLabels(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    text += (text.empty() ? "" : ", ") + key + "=" + value;
  }
  return text;
}

std::string JsonOfLabels(const std::map<std::string, std::string>& labels) {
  JsonObject object;
  for (const auto& [key, value] : labels) {
    const std::string escaped = JsonString(key);
    object.Add(std::string_view(escaped).substr(1, escaped.size() - 2),
               JsonString(value));
  }
  return object.text();
}

std::string TextOfNodes(const std::vector<base::ObjectPlace>& places) {
  std::string text;
  for (const base::ObjectPlace& place : places) {
    text += (text.empty() ? "" : ", ") + place.node.ToString();
  }
  return text;
}

// One object a node.
std::string JsonOfPlaces(const std::vector<base::ObjectPlace>& places) {
  std::vector<std::string> all;
  for (const base::ObjectPlace& place : places) {
    JsonObject object;
    object.Add("node", JsonString(place.node.ToString()))
        .Add("bytes", std::to_string(place.copies.byte_count))
        .Add("extents", std::to_string(place.copies.extents))
        .Add("spilled", std::to_string(place.copies.spilled));
    all.push_back(object.text());
  }
  return JsonArray(all);
}

std::string TextOfNames(const std::vector<base::PublishedRecord>& published) {
  std::string text;
  for (const base::PublishedRecord& value : published) {
    text += (text.empty() ? "" : ", ") + value.name;
  }
  return text;
}

// One object a name.
std::string JsonOfNames(const std::vector<base::PublishedRecord>& published) {
  std::vector<std::string> all;
  for (const base::PublishedRecord& value : published) {
    all.push_back(JsonObject()
                      .Add("name", JsonString(value.name))
                      .Add("namespace", JsonString(value.ns))
                      .text());
  }
  return JsonArray(all);
}

const char* NameOf(base::ActorState state) {
  switch (state) {
    case base::ActorState::kPending:
      return "pending";
    case base::ActorState::kAlive:
      return "alive";
    case base::ActorState::kRestarting:
      return "restarting";
    case base::ActorState::kDead:
      return "dead";
  }
  return "unknown";
}

std::string ShowRestarts(const base::ActorRecord& actor) {
  if (actor.restarts_max == 0 && actor.restarts == 0) return "";
  return std::to_string(actor.restarts) + "/" +
         (actor.restarts_max < 0 ? "any" : std::to_string(actor.restarts_max));
}

// Where that says something.
std::string ShowRestartsLeft(const base::ActorRecord& actor) {
  const bool dead = actor.state == base::ActorState::kDead;
  if (dead || (actor.restarts_max == 0 && actor.restarts == 0)) return "";
  if (actor.restarts_max < 0) return "any number";
  const std::int32_t left = std::max(actor.restarts_max - actor.restarts, 0);
  return left == 0 ? "none" : std::to_string(left);
}

// null: any number.
std::string JsonOfRestartsLeft(const base::ActorRecord& actor) {
  if (actor.state == base::ActorState::kDead) return "0";
  if (actor.restarts_max < 0) return "null";
  return std::to_string(std::max(actor.restarts_max - actor.restarts, 0));
}

// Nothing of the first one.
std::string ShowAttempt(const base::TaskRow& task) {
  if (task.attempt <= 1) return "";
  const std::string most =
      task.retries_max < 0 ? "any" : std::to_string(task.retries_max + 1);
  return std::to_string(task.attempt) + " of " + most;
}

// Of what times out.
Field TimeLeft(const std::optional<std::int64_t>& ms) {
  if (!ms.has_value()) return {"left_ms", "", "null", kDetail};
  return {"left_ms", ShowAge(std::max<std::int64_t>(*ms, 0)),
          std::to_string(*ms), kDetail};
}

std::string ShowAwaited(const base::TaskRow& task) {
  if (task.awaited == 0) return "";
  const std::string object = "object " + task.awaits.ToString();
  if (task.awaited == 1) return object;
  return object + " and " + std::to_string(task.awaited - 1) + " more";
}

std::string JsonOfAwaited(const base::TaskRow& task) {
  if (task.awaited == 0) return "null";
  JsonObject object;
  object.Add("arguments", std::to_string(task.awaited))
      .Add("object", JsonString(task.awaits.ToString()));
  return object.text();
}

std::string ShowStore(const base::StoreInfo& store) {
  const auto bytes = [](std::uint64_t count) {
    return ShowBytes(static_cast<std::int64_t>(count));
  };
  if (store.bytes_max == 0) return "no store";
  std::string text = bytes(store.bytes_used) + " of " + bytes(store.bytes_max) +
                     " of memory, " + bytes(store.spilled_bytes) + " on disk";
  if (store.file_bytes > 0) {
    text += " in files of " + bytes(store.file_bytes);
  }
  text += ",";
  if (!store.disk_trouble.empty()) {
    text += " LEAVING A FOLDER ALONE (" + store.disk_trouble + "),";
  }
  if (store.remade > 0) {
    text += " " + std::to_string(store.remade) + " lost and made again (" +
            std::to_string(store.differing) + " as another value),";
  }
  return text;
}

std::string TitleOf(const Field& field) {
  std::string title = field.name;
  // What people are shown of it.
  if (title == "since_ms") title = "age";
  if (title == "state_ms") title = "for";
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  return text;
}

}  // namespace

Item ItemOf(const base::NodeRecord& node, std::int64_t now_ms) {
  const bool alive = node.state == base::NodeState::kAlive;
  return {
      IdOf("node", node.node),
      Text("state", alive ? "alive" : "dead"),
      Text("name", node.name),
      Bool("head", node.is_head),
      Number("pid", node.pid),
      Resources("resources", node.total),
      {"labels", TextOfLabels(node.labels), JsonOfLabels(node.labels), true},
      Age(node.since_ms, now_ms),
      Text("cause", node.cause),
      Number("incarnation", node.incarnation, kDetail),
      IdOf("raylet", node.raylet, kDetail),
      Text("socket", node.socket, kDetail),
  };
}

Item ItemOf(const base::JobRecord& job, std::int64_t now_ms) {
  const bool runs = job.state == base::JobState::kRunning;
  return {
      IdOf("job", job.job),
      Text("state", runs ? "running" : "ended"),
      Text("program", job.program),
      Number("pid", job.pid),
      Text("namespace", job.ns),
      Number("weight", job.weight),
      Age(job.since_ms, now_ms),
      Text("cause", job.cause),
      IdOf("node", job.node, kDetail),
      IdOf("driver", job.driver, kDetail),
  };
}

Item ItemOf(const base::ActorRecord& actor, std::int64_t now_ms) {
  const bool alive = actor.state == base::ActorState::kAlive;
  const std::string cause = alive ? "" : actor.cause.message;
  return {
      IdOf("actor", actor.actor),
      Text("state", NameOf(actor.state)),
      Text("name", actor.name),
      Text("namespace", actor.ns, !actor.name.empty()),
      Text("class", actor.class_name),
      Bool("detached", actor.detached),
      Bool("shared", actor.shared),
      Number("pid", actor.pid),
      {"restarts", ShowRestarts(actor), std::to_string(actor.restarts), true},
      Age(actor.since_ms, now_ms),
      Text("cause", cause),
      {"restarts_max", "", std::to_string(actor.restarts_max), kDetail},
      {"restarts_left", ShowRestartsLeft(actor), JsonOfRestartsLeft(actor),
       kDetail},
      Text("last_end", alive ? actor.cause.message : "", kDetail),
      Number("incarnation", actor.incarnation, kDetail),
      Bool("separated", actor.separated, kDetail),
      IdOf("job", actor.job, kDetail),
      IdOf("node", actor.node, kDetail),
      IdOf("worker", actor.worker, kDetail),
      IdOf("owner", actor.owner, kDetail),
      IdOf("owner_node", actor.owner_node, kDetail),
  };
}

Item ItemOf(const base::WorkerInfo& worker, std::int64_t /*now_ms*/) {
  return {
      Number("pid", worker.pid),
      Text("state", worker.state),
      Text("function", worker.function),
      IdOf("job", worker.job),
      IdOf("node", worker.node),
      IdOf("worker", worker.process, kDetail),
      IdOf("actor", worker.actor, kDetail),
  };
}

Item JobOfActor(const base::WorkerInfo& worker) {
  return {
      IdOf("job", worker.job),
      Text("state", "running"),
      IdOf("actor", worker.actor),
      IdOf("node", worker.node),
  };
}

Item ItemOf(const TaskRow& row) {
  const base::TaskRow& task = row.task;
  const bool is_task = task.kind == base::TaskKind::kTask;
  Field resources = Resources("resources", task.shape);
  resources.in_table = kDetail;
  return {
      IdOf("task", task.task),
      Text("state", row.is_blocked ? "blocked" : NameOf(task.state)),
      {"type", is_task ? "" : NameOf(task.kind), JsonString(NameOf(task.kind)),
       true},
      Text("function", task.function),
      {"attempt", ShowAttempt(task), std::to_string(task.attempt), true},
      {"state_ms", ShowAge(task.state_ms), std::to_string(task.state_ms), true},
      Number("pid", task.pid),
      Number("owner_pid", row.owner.pid),
      {"waits_for", ShowAwaited(task), JsonOfAwaited(task), true},
      IdOf("job", row.owner.job),
      {"retries_max", "", std::to_string(task.retries_max), kDetail},
      IdOf("node", row.node, kDetail),
      IdOf("worker", task.worker, kDetail),
      IdOf("actor", task.actor, kDetail),
      IdOf("result", task.result, kDetail),
      Text("owner_name", row.owner.name, kDetail),
      IdOf("owner", row.owner.process, kDetail),
      resources,
      IdOf("trace", task.trace, kDetail),
      {"priority", task.priority == 0 ? "" : std::to_string(task.priority),
       std::to_string(task.priority), kDetail},
      TimeLeft(task.left_ms),
  };
}

Item ItemOf(const ObjectRow& row, std::int64_t now_ms) {
  const base::ObjectRecord& object = row.object;
  const base::PublishedRecord published =
      row.published.empty() ? base::PublishedRecord() : row.published.front();
  std::uint64_t bytes = 0;
  std::uint64_t extents = 0;
  std::uint64_t spilled = 0;
  for (const base::ObjectPlace& place : object.places) {
    bytes += place.copies.byte_count;
    extents += place.copies.extents;
    spilled += place.copies.spilled;
  }
  if (object.places.empty()) bytes = published.byte_count;
  std::string on_disk;
  if (spilled > 0) {
    on_disk = std::to_string(spilled) + " of " + std::to_string(extents);
  }
  const bool is_stored = !object.places.empty();
  const bool is_lost = !published.cause.empty();
  return {
      IdOf("object", object.object),
      {"bytes", ShowBytes(static_cast<std::int64_t>(bytes)),
       std::to_string(bytes), true},
      {"spilled", on_disk, std::to_string(spilled), true},
      {"name", TextOfNames(row.published), JsonString(published.name), true},
      Text("namespace", published.ns, !published.name.empty()),
      Text("type", published.type),
      {"nodes",
       is_stored || is_lost ? TextOfNodes(object.places) : "the control store",
       JsonOfPlaces(object.places), true},
      IdOf("owner", object.owner),
      IdOf("job", object.job),
      Age(published.since_ms, now_ms),
      Text("lost", published.cause),
      Bool("durable", !row.published.empty() && !is_stored && !is_lost,
           kDetail),
      {"names", "", JsonOfNames(row.published), kDetail},
  };
}

std::string JsonOf(const base::StatusAnswer& status, const std::string& address,
                   const std::vector<base::StoreInfo>& stores) {
  const auto number = [](auto value) { return std::to_string(value); };
  std::vector<std::string> values;
  for (const base::StoreInfo& store : stores) {
    values.push_back(JsonObject()
                         .Add("node", JsonString(store.node.ToString()))
                         .Add("bytes_max", number(store.bytes_max))
                         .Add("bytes_used", number(store.bytes_used))
                         .Add("spilled_bytes", number(store.spilled_bytes))
                         .Add("remade", number(store.remade))
                         .Add("differing", number(store.differing))
                         .Add("file_bytes", number(store.file_bytes))
                         .Add("disk_trouble", JsonString(store.disk_trouble))
                         .text());
  }
  JsonObject object;
  object.Add("cluster", JsonString(status.cluster.ToString()))
      .Add("address", JsonString(address))
      .Add("epoch", number(status.epoch))
      .Add("pid", number(status.pid))
      .Add("up_ms", number(status.up_ms))
      .Add("nodes_alive", number(status.nodes_alive))
      .Add("nodes_dead", number(status.nodes_dead))
      .Add("jobs_running", number(status.jobs_running))
      .Add("actors_alive", number(status.actors_alive))
      .Add("actors_starting", number(status.actors_starting))
      .Add("actors_dead", number(status.actors_dead))
      .Add("keys", number(status.keys))
      .Add("log_number", number(status.log_number))
      .Add("disk_full", JsonBool(status.disk_full))
      .Add("disk_free_bytes", number(status.disk_free_bytes))
      .Add("resources", ResourcesAsJson(status.total))
      .Add("stores", JsonArray(values));
  return object.text();
}

std::string TextOf(const base::StatusAnswer& status, const std::string& address,
                   const std::vector<base::StoreInfo>& stores) {
  std::string disk;
  if (status.disk_full) {
    disk = "THE DISK IS FULL: nothing more can be written, ";
  } else if (status.disk_free_bytes > 0) {  // else it is not known
    disk = ShowBytes(status.disk_free_bytes) + " free, ";
  }
  const std::string resources = ShowResources(status.total);
  std::string text = "cluster  " + status.cluster.ToString() + "\n";
  text += "store    " + Printable(address) + ", pid " +
          std::to_string(status.pid) + ", up " + ShowAge(status.up_ms) +
          ", epoch " + ShowCount(status.epoch) + "\n";
  text += "nodes    " + ShowCount(status.nodes_alive) + " alive, " +
          ShowCount(status.nodes_dead) + " dead\n";
  text += "jobs     " + ShowCount(status.jobs_running) + " running\n";
  text += "actors   " + ShowCount(status.actors_alive) + " alive, " +
          ShowCount(status.actors_starting) + " starting, " +
          ShowCount(status.actors_dead) + " dead\n";
  text += "keys     " + ShowCount(status.keys) + "\n";
  text += "offers   " + (resources.empty() ? "nothing" : Printable(resources)) +
          "\n";
  for (const base::StoreInfo& store : stores) {
    text += "values   " + ShowStore(store) + " on node " +
            store.node.ToString() + "\n";
  }
  text +=
      "disk     " + disk + ShowCount(status.log_number) + " batches written\n";
  return text;
}

std::string TableOf(const std::vector<Item>& items) {
  if (items.empty()) return "";
  // A column that stands in the table of one stands in that of all.
  std::vector<std::size_t> columns;
  for (std::size_t at = 0; at < items.front().size(); ++at) {
    const bool in_table =
        std::any_of(items.begin(), items.end(),
                    [at](const Item& item) { return item[at].in_table; });
    if (in_table) columns.push_back(at);
  }
  std::vector<std::string> titles;
  for (const std::size_t at : columns) {
    titles.push_back(Upper(TitleOf(items.front()[at])));
  }
  TextTable table(std::move(titles));
  for (const Item& item : items) {
    std::vector<std::string> cells;
    for (const std::size_t at : columns) cells.push_back(item[at].text);
    table.Add(cells);
  }
  return table.Text();
}

std::string JsonOf(const Item& item) {
  JsonObject object;
  for (const Field& field : item) object.Add(field.name, field.json);
  return object.text();
}

std::string DetailsOf(const Item& item) {
  std::size_t width = 0;
  for (const Field& field : item) {
    if (!field.text.empty()) width = std::max(width, TitleOf(field).size());
  }
  std::string text;
  for (const Field& field : item) {
    if (field.text.empty()) continue;
    std::string title = TitleOf(field);
    title.resize(width + 2, ' ');
    text += title + Printable(field.text) + "\n";
  }
  return text;
}

}  // namespace mobula::cli
