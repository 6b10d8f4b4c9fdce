// Ids: 128-bit names of things, one distinct type for each kind of thing.
//
//   TaskId task = ids.Next<TaskId>();
//   std::string hex = task.ToString();               // 32 hex digits
//   std::optional<TaskId> same = TaskId::Parse(hex);
//
// An id is never reused. Its upper half names who made it (64 random bits, or
// a seed in the simulator), its lower half counts, so that making one costs an
// addition and two makers never collide.
// Threading: an Id is a value; an IdSource belongs to one thread or strand.
#ifndef MOBULA_BASE_IDS_H_
#define MOBULA_BASE_IDS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::base {

// The shared shape of all ids; use the aliases below.
template <class Tag>
struct Id {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  [[nodiscard]] bool IsNil() const { return hi == 0 && lo == 0; }
  friend auto operator<=>(const Id&, const Id&) = default;

  // 32 lower-case hex digits.
  [[nodiscard]] std::string ToString() const {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text(32, '0');
    for (int i = 0; i < 16; ++i) {
      text[15 - i] = kDigits[(hi >> (4 * i)) & 15];
      text[31 - i] = kDigits[(lo >> (4 * i)) & 15];
    }
    return text;
  }

  // The id that ToString printed, or nothing.
  static std::optional<Id> Parse(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    Id id;
    for (std::size_t i = 0; i < 32; ++i) {
      const char c = text[i];
      std::uint64_t digit = 0;
      if (c >= '0' && c <= '9') {
        digit = static_cast<std::uint64_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<std::uint64_t>(c - 'a' + 10);
      } else {
        return std::nullopt;
      }
      std::uint64_t& half = i < 16 ? id.hi : id.lo;
      half = half << 4 | digit;
    }
    return id;
  }
};

// A process of the cluster, of any role: driver, worker or raylet. It is the
// address to which messages go; a restarted process has a new one.
using ProcessId = Id<struct ProcessTag>;
using NodeId = Id<struct NodeTag>;
using JobId = Id<struct JobTag>;
using TaskId = Id<struct TaskTag>;
using ActorId = Id<struct ActorTag>;
using ObjectId = Id<struct ObjectTag>;
using LeaseId = Id<struct LeaseTag>;
// A piece of shared memory of a node, leased to one writer.
using ArenaId = Id<struct ArenaTag>;
// A request to the control store, by which a repeated one is known.
using RequestId = Id<struct RequestTag>;
// One cluster for as long as its control store's folder lives.
using ClusterId = Id<struct ClusterTag>;
// The hash of a function's key (name and signature); the same in every
// process that runs the same source.
using FunctionId = Id<struct FunctionTag>;

// Makes ids: `maker` must differ between any two sources of a cluster (64
// random bits in a process, a seeded number in the simulator).
class IdSource {
 public:
  explicit IdSource(std::uint64_t maker) : maker_(maker) {}

  template <class AnId>
  AnId Next() {
    return AnId{maker_, ++count_};
  }

 private:
  std::uint64_t maker_;
  std::uint64_t count_ = 0;
};

}  // namespace mobula::base

template <class Tag>
struct std::hash<mobula::base::Id<Tag>> {
  std::size_t operator()(const mobula::base::Id<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.hi * 0x9E3779B97F4A7C15ULL ^ id.lo);
  }
};

#endif  // MOBULA_BASE_IDS_H_
