#include "base/function_table.h"

#include <dlfcn.h>

#include <algorithm>
#include <unordered_map>

#include "base/mutex.h"
#include "base/thread_annotations.h"

namespace mobula::base {
namespace {

// "Add (./shop.so)": two functions may well have the same name.
std::string DescribeEntry(const FunctionEntry& entry) {
  Dl_info info = {};
  const bool known =
      dladdr(reinterpret_cast<const void*>(entry.invoke), &info) != 0;
  const std::string& name =
      entry.named_function.empty() ? entry.name : entry.named_function;
  return name + " (" +
         (known && info.dli_fname != nullptr ? info.dli_fname : "unknown") +
         ")";
}

}  // namespace

struct FunctionTable::State {
  mutable Mutex mutex;
  std::unordered_map<FunctionId, const FunctionEntry*> entries
      MOBULA_GUARDED_BY(mutex);
  std::vector<std::string> clashes MOBULA_GUARDED_BY(mutex);
};

FunctionTable::FunctionTable() : state_(new State) {}

FunctionTable& FunctionTable::Get() {
  static FunctionTable& table = *new FunctionTable;
  return table;
}

void FunctionTable::Register(const FunctionEntry* entry) {
  MutexLock lock(state_->mutex);
  const auto [place, is_new] = state_->entries.emplace(entry->id, entry);
  const FunctionEntry* const first = place->second;
  if (is_new || first == entry) return;
  // Two libraries may both hold an entry of one function.
  if (first->key == entry->key && first->invoke == entry->invoke &&
      first->named_function == entry->named_function) {
    return;
  }
  if (!entry->named_function.empty() && first->key == entry->key) {
    state_->clashes.push_back("two functions have the name \"" + entry->name +
                              "\" (MOBULA_REMOTE): " + DescribeEntry(*first) +
                              " and " + DescribeEntry(*entry) +
                              "; give one of them another");
    return;
  }
  state_->clashes.push_back(
      "two functions have one key: " + DescribeEntry(*first) + " and " +
      DescribeEntry(*entry) + ", key " + entry->key +
      (first->key == entry->key ? "" : " against " + first->key));
}

const FunctionEntry* FunctionTable::Find(FunctionId id) const {
  MutexLock lock(state_->mutex);
  const auto found = state_->entries.find(id);
  return found == state_->entries.end() ? nullptr : found->second;
}

std::vector<std::string> FunctionTable::Names() const {
  std::vector<std::string> names;
  {
    MutexLock lock(state_->mutex);
    for (const auto& [id, entry] : state_->entries) {
      if (!entry->named_function.empty()) names.push_back(entry->name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> FunctionTable::Clashes() const {
  MutexLock lock(state_->mutex);
  return state_->clashes;
}

}  // namespace mobula::base
