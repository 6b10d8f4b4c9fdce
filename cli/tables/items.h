// Items: what the cluster knows, one thing each, as fields that both people and
// programs are shown.
//
//   Item item = ItemOf(actor_record, now_ms);
//   TableOf(items)     JsonOf(item)     DetailsOf(item)
// The names of fields are stable: programs read them.
// Threading: values and pure functions.
#ifndef MOBULA_CLI_TABLES_ITEMS_H_
#define MOBULA_CLI_TABLES_ITEMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/control/control_request.h"
#include "base/control/records.h"
#include "cli/tables/object_rows.h"
#include "cli/tables/task_rows.h"

namespace mobula::cli {

struct Field {
  const char* name = "";  // "restarts_max"
  std::string text;       // for people; "" if there is nothing to say
  std::string json;
  bool in_table = true;
};
using Item = std::vector<Field>;

// `now_ms`: the wall clock.
Item ItemOf(const base::NodeRecord& node, std::int64_t now_ms);
Item ItemOf(const base::JobRecord& job, std::int64_t now_ms);
Item ItemOf(const base::ActorRecord& actor, std::int64_t now_ms);
Item ItemOf(const base::WorkerInfo& worker, std::int64_t now_ms);
Item ItemOf(const TaskRow& row);
Item ItemOf(const ObjectRow& object, std::int64_t now_ms);
// The job that a detached actor has on its node, seen by one of its workers.
Item JobOfActor(const base::WorkerInfo& worker);

// All of the same kind; "" for none.
std::string TableOf(const std::vector<Item>& items);
std::string JsonOf(const Item& item);
// A line a field, with something to say.
std::string DetailsOf(const Item& item);

// `address`: where it was asked. `stores`: of the nodes on this machine.
std::string JsonOf(const base::StatusAnswer& status, const std::string& address,
                   const std::vector<base::StoreInfo>& stores);
std::string TextOf(const base::StatusAnswer& status, const std::string& address,
                   const std::vector<base::StoreInfo>& stores);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TABLES_ITEMS_H_
