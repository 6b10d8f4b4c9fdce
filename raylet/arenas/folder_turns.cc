#include "raylet/arenas/folder_turns.h"

#include <utility>

#include "base/check.h"

namespace mobula::raylet {

std::vector<std::size_t> FolderTurns::Order(base::BootTime now) {
  std::vector<std::size_t> order;
  std::vector<std::size_t> left_alone;
  for (std::size_t i = 0; i < folders_.size(); ++i) {
    const std::size_t at = (next_ + i) % folders_.size();
    const Folder& folder = folders_[at];
    const bool is_tried =
        folder.failures < kFailuresMax || now >= folder.again_at;
    (is_tried ? order : left_alone).push_back(at);
  }
  order.insert(order.end(), left_alone.begin(), left_alone.end());
  if (!folders_.empty()) next_ = (next_ + 1) % folders_.size();
  return order;
}

void FolderTurns::Worked(std::size_t folder) {
  MOBULA_CHECK(folder < folders_.size());
  folders_[folder] = Folder();
}

bool FolderTurns::Failed(std::size_t at, std::string why, base::BootTime now) {
  MOBULA_CHECK(at < folders_.size());
  Folder& folder = folders_[at];
  folder.why = std::move(why);
  if (folder.failures < kFailuresMax) ++folder.failures;
  const bool was_left_alone = folder.again_at > base::BootTime();
  if (folder.failures < kFailuresMax) return false;
  folder.again_at = now + kAgainAfter;
  return !was_left_alone;
}

std::string FolderTurns::Wrong() const {
  std::string wrong;
  for (const Folder& folder : folders_) {
    if (folder.failures < kFailuresMax) continue;
    wrong += (wrong.empty() ? "" : "; ") + folder.why;
  }
  return wrong;
}

}  // namespace mobula::raylet
