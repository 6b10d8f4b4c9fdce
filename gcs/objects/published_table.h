// PublishedTable holds the values that have a name, in namespaces, for as long
// as nobody takes the name away: whatever becomes of the job that gave it.
//
//   Publish -> inline: the bytes are in the record, and nothing loses them
//           -> kept: by a node; NodeDied -> lost, which Find says, and the name
//              is free
//   Unpublish | Publish with `replace` -> gone
// Owner: gcs::Core.   Threading: none.
// Invariants: (1) no more names, bytes and memories of losses than Options say;
// (2) a value that is kept is kept by a node that lives.
// Failure: a refused change says why and changes nothing.
#ifndef MOBULA_GCS_OBJECTS_PUBLISHED_TABLE_H_
#define MOBULA_GCS_OBJECTS_PUBLISHED_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/control/control_request.h"
#include "base/control/object_records.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/core/events.h"

namespace mobula::gcs {

class PublishedTable {
 public:
  struct Options {
    std::size_t names_max = 100'000;
    std::size_t value_bytes_max = base::kDurableBytesMax;
    std::size_t bytes_max = std::size_t{256} << 20;  // of all records
    std::size_t lost_max = 1'000;                    // oldest go first
  };
  static constexpr std::size_t kTypeBytesMax = 1'024;
  static constexpr std::size_t kListBytesMax = std::size_t{1} << 20;

  explicit PublishedTable(Options options) : options_(options) {}

  // False, and why, if it contradicts another.
  [[nodiscard]] bool Restore(const base::PublishedRecord& value,
                             std::string* error);
  // After the last.
  void Start(Effects& effects) { ForgetOldest(effects); }

  // Done, or why not: kBadArgument, kTooLarge, kLimit, kNameTaken.
  base::ControlReply Publish(const base::PublishValue& request,
                             std::int64_t wall_ms, Effects& effects);
  base::ControlReply Unpublish(const base::UnpublishValue& request,
                               Effects& effects);
  [[nodiscard]] base::ControlReply Find(
      const base::FindPublished& request) const;
  [[nodiscard]] base::PublishedListAnswer List(
      const base::ListPublished& request) const;

  // An object of which a node need not keep a published value any more.
  struct Dropped {
    base::NodeId node;
    base::ObjectId object;
  };
  // Since they were taken last.
  std::vector<Dropped> TakeDropped() { return std::exchange(dropped_, {}); }
  // The node says what it keeps: what it has not is lost, and what has no name
  // is dropped.
  void Reconcile(base::NodeId node, const std::set<base::ObjectId>& has,
                 const std::string& cause, std::int64_t wall_ms,
                 Effects& effects);

  // The nodes that keep something.
  [[nodiscard]] std::set<base::NodeId> Keepers() const;
  // `cause` is a sentence about the node, which it names.
  void NodeDied(base::NodeId node, const std::string& cause,
                std::int64_t wall_ms, Effects& effects);

  [[nodiscard]] std::size_t size() const { return values_.size(); }
  void CheckInvariants() const;

 private:
  using Name = std::pair<std::string, std::string>;  // namespace and name
  using Values = std::map<Name, base::PublishedRecord>;

  [[nodiscard]] std::optional<base::Failure> WhyNot(
      const base::PublishValue& request) const;
  void Add(base::PublishedRecord value);
  void Erase(Values::iterator value);
  void Drop(const base::PublishedRecord& value);
  void Lose(const Name& name, const std::string& cause, std::int64_t wall_ms,
            Effects& effects);
  void ForgetOldest(Effects& effects);

  const Options options_;
  Values values_;
  std::size_t bytes_ = 0;
  std::vector<Dropped> dropped_;
  std::map<base::NodeId, std::set<Name>> kept_;   // by whom
  std::set<std::pair<std::int64_t, Name>> lost_;  // by since_ms
};

}  // namespace mobula::gcs

#endif  // MOBULA_GCS_OBJECTS_PUBLISHED_TABLE_H_
