#include "cli/tables/task_text.h"

#include <cstdint>
#include <vector>

#include "cli/tables/amounts.h"
#include "cli/tables/items.h"
#include "cli/tables/json_text.h"

namespace mobula::cli {
namespace {

std::string NumberText(std::uint64_t number) {
  return number == 0 ? "" : ShowCount(number);
}

Item ItemOf(const TaskGroup& group, const std::string& group_by) {
  const bool by_function = group_by == "function";
  const std::string name = group.name.empty() ? "(only counted)" : group.name;
  const auto number = [](const char* title, std::uint64_t count,
                         bool in_table) {
    return Field{title, NumberText(count), std::to_string(count), in_table};
  };
  Item item = {{by_function ? "function" : "state", name,
                group.name.empty() ? "null" : JsonString(group.name), true},
               number("tasks", group.all, true)};
  if (!by_function) return item;
  item.push_back(number("running", group.running, true));
  item.push_back(number("retrying", group.retrying, true));
  item.push_back(number("waiting", group.waiting, true));
  item.push_back(number("pushed", group.pushed, true));
  item.push_back(number("queued", group.queued, true));
  return item;
}

std::vector<Item> ItemsOfGroups(const TaskRows& all,
                                const std::string& group_by) {
  std::vector<Item> items;
  for (const TaskGroup& group : GroupsOf(all.counts, group_by)) {
    items.push_back(ItemOf(group, group_by));
  }
  return items;
}

std::string JsonOfItems(const std::vector<Item>& items) {
  std::vector<std::string> objects;
  for (const Item& item : items) objects.push_back(JsonOf(item));
  return JsonArray(objects);
}

std::string JsonOfSilent(const TaskRows& all) {
  std::vector<std::string> objects;
  for (const base::AskedProcess& process : all.silent) {
    objects.push_back(
        JsonObject()
            .Add("process", JsonString(process.process.ToString()))
            .Add("role", JsonString(process.role))
            .Add("pid", std::to_string(process.pid))
            .Add("name", JsonString(process.name))
            .Add("job", process.job.IsNil()
                            ? "null"
                            : JsonString(process.job.ToString()))
            .Add("silent_ms", std::to_string(process.silent_ms))
            .text());
  }
  return JsonArray(objects);
}

std::vector<Item> ItemsOf(const TaskRows& all) {
  std::vector<Item> items;
  for (const TaskRow& row : all.rows) items.push_back(ItemOf(row));
  return items;
}

}  // namespace

std::string TextOf(const TaskRows& all) { return TableOf(ItemsOf(all)); }

std::string JsonOf(const TaskRows& all) {
  return JsonObject()
             .Add("tasks", JsonOfItems(ItemsOf(all)))
             .Add("left_out", std::to_string(all.left_out))
             .Add("silent", JsonOfSilent(all))
             .text() +
         "\n";
}

std::string TextOfGroups(const TaskRows& all, const std::string& group_by) {
  return TableOf(ItemsOfGroups(all, group_by));
}

std::string JsonOfGroups(const TaskRows& all, const std::string& group_by) {
  return JsonObject()
             .Add("groups", JsonOfItems(ItemsOfGroups(all, group_by)))
             .Add("silent", JsonOfSilent(all))
             .text() +
         "\n";
}

std::string NotesOf(const TaskRows& all, bool with_left_out) {
  std::string notes;
  if (with_left_out && all.left_out > 0) {
    notes += ShowCount(all.left_out) +
             " more are not shown; --limit N shows more, --group-by function "
             "counts all\n";
  }
  for (const base::AskedProcess& process : all.silent) {
    notes += process.role + " " + std::to_string(process.pid) +
             (process.name.empty() ? "" : " (" + Printable(process.name) + ")");
    notes += process.silent_ms > 0
                 ? " has not answered for " + ShowAge(process.silent_ms)
                 : std::string(" was not asked, it is new or ends");
    notes += ": what it has asked for is not shown\n";
  }
  return notes;
}

}  // namespace mobula::cli
