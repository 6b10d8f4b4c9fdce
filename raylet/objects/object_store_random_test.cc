#include <gtest/gtest.h>

#include <deque>
#include <iterator>
#include <random>
#include <set>
#include <string>

#include "raylet/objects/object_store.h"

namespace mobula::raylet {
namespace {

using base::ArenaId;
using base::BootTime;
using base::Extent;
using base::JobId;
using base::ObjectId;
using base::ObjectName;
using base::ProcessId;
using base::RequestId;
using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kStoreBytes = 8 * kMiB;

// A store, honest processes that use it and die, and a shell of memory and
// disk that fails now and then. Messages of one process arrive in order; those
// of different ones in any.
class RandomStore {
 public:
  explicit RandomStore(std::uint32_t seed)
      : random_(seed), store_(Options(seed), base::IdSource(seed)) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ = now_ + milliseconds(Below(4));
      OneStep();
      Pump();
    }
    EndAll();
  }

  int spills = 0;
  int restores = 0;
  int told_losses = 0;
  int frees_first = 0;
  int refusals = 0;
  int late_openers = 0;
  int looks = 0;
  int frees_on_disk = 0;
  int keeps = 0;
  int kept_at_end = 0;

 private:
  struct Written {
    std::uint64_t byte_count = 0;
    std::uint64_t next = 64;
    std::uint32_t generation = 0;
    // Filled or being filled.
    std::map<std::uint64_t, Extent> live;
  };
  struct Process {
    JobId job;
    std::deque<base::Message> inbox;
    std::deque<base::Message> outbox;
    std::map<ArenaId, Written> written;
    std::set<ArenaId> mapped;
    std::set<ArenaId> opening;
    std::set<RequestId> asked;
    std::map<ObjectId, Extent> owned;
  };
  using Processes = std::map<ProcessId, Process>;

  static ArenaTable::Options Options(std::uint32_t seed) {
    ArenaTable::Options options;
    options.bytes_max = kStoreBytes;
    if (seed % 4 == 0) options.open_wait_max = milliseconds(20);
    return options;
  }
  std::uint32_t Below(std::uint32_t n) { return random_() % n; }
  template <class C>
  typename C::iterator Pick(C& from) {
    return std::next(from.begin(),
                     Below(static_cast<std::uint32_t>(from.size())));
  }

  void OneStep() {
    if (processes_.size() < 2 || (processes_.size() < 6 && Below(40) == 0)) {
      return Come();
    }
    const auto it = Pick(processes_);
    switch (Below(17)) {
      case 0:
        return Ask(it->second);
      case 1:
      case 2:
      case 3:
        return Write(it->second);
      case 4:
      case 5:
        return FreeOne(it->second);
      case 6:
      case 12:
        return OpenOne(it->second);
      case 7:
        if (Below(60) == 0) Die(it->first);
        return;
      case 13:
        return KeepOrLetGo(it->second);
      case 8:
        if (Below(10) == 0) ReturnOne(it->second);
        return;
      case 9:
      case 11:
        return ShellDoesSomething();
      case 10:
        if (!it->second.outbox.empty()) Deliver(it->first);
        return;
      default:
        if (!it->second.inbox.empty()) Hear(it->second);
        return;
    }
  }
  void Come() {
    const ProcessId process{1, ++processes_made_};
    processes_[process].job = JobId{2, 1 + Below(2)};
    store_.ProcessCame(process, processes_[process].job, "one");
  }
  void Ask(Process& process) {
    if (process.asked.size() > 3) return;
    base::LeaseArena ask;
    ask.request = RequestId{3, ++requests_};
    ask.byte_count = Below(8) == 0 ? Below(5) * kMiB : 1 + Below(100'000);
    if (Below(100) == 0) ask.byte_count = 2 * kStoreBytes;
    process.asked.insert(ask.request);
    process.outbox.emplace_back(ask);
    if (Below(10) != 0) return;
    process.outbox.emplace_back(base::CancelArena{ask.request});
    cancelled_.insert(ask.request);
  }
  // The owner hears of it at once: before the raylet, it may be.
  void Write(Process& process) {
    if (process.written.empty()) return;
    const auto arena = Pick(process.written);
    Written& written = arena->second;
    Extent extent;
    extent.arena = arena->first;
    extent.byte_count = 1 + Below(200'000);
    extent.offset = written.next;
    extent.generation = ++written.generation;
    if (extent.offset + extent.byte_count > written.byte_count) return;
    written.next = (extent.offset + extent.byte_count + 127) / 64 * 64;
    written.live[extent.offset] = extent;
    const auto owner = Pick(processes_);
    const ObjectId object{4, ++objects_};
    owner->second.owned[object] = extent;
    process.outbox.emplace_back(
        base::ObjectStored{{object, owner->first}, extent});
  }
  void FreeOne(Process& process) {
    if (process.owned.empty()) return;
    const auto it = Pick(process.owned);
    base::FreeObjects free;
    free.objects.push_back({it->first, it->second});
    if (!store_.stored().Contains(it->first)) ++frees_first;
    process.owned.erase(it);
    process.outbox.emplace_back(free);
  }
  // A value that is published: its place is not used anew before it is let go.
  void KeepOrLetGo(Process& process) {
    Effects effects;
    if (kept_.size() > 2) {
      const auto it = Pick(kept_);
      store_.LetGo(it->first, effects);
      kept_.erase(it);
    } else if (!process.owned.empty()) {
      const Extent& extent = Pick(process.owned)->second;
      const ObjectId object{5, ++objects_};
      if (store_.Keep({object, {1, 1'000'000}}, JobId{2, 1}, extent)) {
        kept_.emplace(object, extent);
        ++keeps;
      }
    }
    CarryOut(effects);
  }
  void OpenOne(Process& process) {
    const auto owner = Pick(processes_);
    if (owner->second.owned.empty()) return;
    const ArenaId arena = Pick(owner->second.owned)->second.arena;
    if (process.mapped.contains(arena)) return;
    if (!process.opening.insert(arena).second) return;
    process.outbox.emplace_back(base::OpenArena{arena});
  }
  void ReturnOne(Process& process) {
    for (const auto& [arena, written] : process.written) {
      if (!written.live.empty()) continue;
      process.outbox.emplace_back(base::ReturnArena{arena});
      process.written.erase(arena);
      return;
    }
  }
  void Die(ProcessId process) {
    while (!processes_.at(process).outbox.empty() && Below(4) != 0) {
      Deliver(process);
    }
    processes_.erase(process);
    Effects effects;
    store_.ProcessGone(process, Below(3) == 0, now_, effects);
    CarryOut(effects);
  }
  void Deliver(ProcessId from) {
    Process& process = processes_.at(from);
    const base::Message message = std::move(process.outbox.front());
    process.outbox.pop_front();
    Effects effects;
    EXPECT_TRUE(store_.Received(from, message, now_, effects));
    CarryOut(effects);
  }
  void Pump() {
    Effects effects;
    store_.Pump(now_, effects);
    CarryOut(effects);
    store_.CheckInvariants();
    std::uint64_t bytes = 0;
    for (const auto& [arena, size] : memory_) bytes += size;
    EXPECT_LE(bytes, kStoreBytes);
  }

  // ---- what a process hears
  void Hear(Process& process) {
    const base::Message message = std::move(process.inbox.front());
    process.inbox.pop_front();
    if (const auto* m = std::get_if<base::ArenaLeased>(&message)) {
      EXPECT_EQ(process.asked.erase(m->request), 1u);
      if (cancelled_.contains(m->request)) return;
      process.written[m->arena].byte_count = m->byte_count;
    } else if (const auto* m = std::get_if<base::ArenaRefused>(&message)) {
      EXPECT_EQ(process.asked.erase(m->request), 1u);
      ++refusals;
    } else if (const auto* m = std::get_if<base::ArenaOpened>(&message)) {
      EXPECT_EQ(process.opening.erase(m->arena), 1u);
      process.mapped.insert(m->arena);
    } else if (const auto* m = std::get_if<base::ArenaLost>(&message)) {
      EXPECT_EQ(process.opening.erase(m->arena), 1u);
      const bool is_full =
          m->failure.code == base::FailureCode::kObjectStoreFull;
      late_openers += is_full ? 1 : 0;
    } else if (const auto* m = std::get_if<base::QuietArena>(&message)) {
      AnswerQuiet(process, m->arena);
    } else if (const auto* m = std::get_if<base::FreeExtents>(&message)) {
      for (const Extent& extent : m->extents) Reuse(process, extent);
    } else if (const auto* m = std::get_if<base::OwnerGone>(&message)) {
      base::ClaimObjects claim;
      claim.owner = m->owner;
      process.outbox.emplace_back(claim);
    }
  }
  void AnswerQuiet(Process& process, ArenaId arena) {
    const bool quiet = settling_ || Below(3) != 0;
    if (quiet) {
      process.written.erase(arena);
      process.mapped.erase(arena);
    }
    process.outbox.emplace_back(base::ArenaQuiet{arena, quiet});
  }
  void Reuse(Process& process, const Extent& extent) {
    for (const auto& [object, kept] : kept_) {
      EXPECT_FALSE(kept == extent && store_.kept().Has(object));
    }
    const auto written = process.written.find(extent.arena);
    if (written == process.written.end()) return;
    EXPECT_EQ(written->second.live.at(extent.offset), extent);
    written->second.live.erase(extent.offset);
    if (written->second.live.empty()) written->second.next = 64;
  }

  // ---- the shell
  void CarryOut(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const auto* send = std::get_if<Send>(&effect)) {
        Send_(send->to, send->message);
      } else if (const auto* with = std::get_if<SendWithArena>(&effect)) {
        EXPECT_TRUE(memory_.contains(with->arena));
        if (!with->is_writable) sealed_.insert(with->arena);
        EXPECT_NE(with->is_writable, sealed_.contains(with->arena));
        Send_(with->to, with->message);
      } else if (const auto* rename = std::get_if<RenameArena>(&effect)) {
        auto memory = memory_.extract(rename->arena);
        ASSERT_FALSE(memory.empty());
        EXPECT_FALSE(sealed_.contains(rename->arena));
        memory.key() = rename->as;
        memory_.insert(std::move(memory));
      } else if (const auto* free = std::get_if<FreeOnDisk>(&effect)) {
        EXPECT_TRUE(store_.arenas().HasFile(free->arena));
        EXPECT_FALSE(free->extents.empty());
        ++frees_on_disk;
      } else if (const auto* drop = std::get_if<DropArena>(&effect)) {
        ExpectUnmapped(drop->arena);
        memory_.erase(drop->arena);
        disk_.erase(drop->arena);
        std::erase_if(work_, [drop](const Effect& work) {
          const auto* make = std::get_if<MakeArena>(&work);
          return make != nullptr && make->arena == drop->arena;
        });
      } else {
        if (const auto* spill = std::get_if<SpillArena>(&effect)) {
          ExpectUnmapped(spill->arena);
          EXPECT_FALSE(spill->extents.empty());
        }
        work_.push_back(effect);
      }
    }
  }
  void Send_(ProcessId to, const base::Message& message) {
    ASSERT_TRUE(processes_.contains(to));
    processes_.at(to).inbox.push_back(message);
  }
  void ExpectUnmapped(ArenaId arena) {
    for (const auto& [id, process] : processes_) {
      EXPECT_FALSE(process.written.contains(arena));
      EXPECT_FALSE(process.mapped.contains(arena));
    }
  }
  void ShellDoesSomething() {
    if (work_.empty()) return;
    const Effect work = work_.front();
    work_.pop_front();
    const bool fails = !settling_ && Below(10) == 0;
    const base::Failure failure;
    if (const auto* make = std::get_if<MakeArena>(&work)) {
      if (fails) return Tell(ArenaFailed{make->arena, failure});
      memory_[make->arena] = make->byte_count;
      Tell(ArenaMade{make->arena});
    } else if (const auto* spill = std::get_if<SpillArena>(&work)) {
      TellDisks();
      if (fails) return Tell(SpillFailed{spill->arena, failure});
      memory_.erase(spill->arena);
      disk_.insert(spill->arena);
      ++spills;
      Tell(Spilled{spill->arena});
    } else if (std::holds_alternative<LookAtDisks>(work)) {
      ++looks;
      TellDisks();
    } else if (const auto* restore = std::get_if<RestoreArena>(&work)) {
      EXPECT_TRUE(disk_.contains(restore->arena));
      if (fails) return Tell(RestoreFailed{restore->arena, failure});
      memory_[restore->arena] = 4096;
      sealed_.erase(restore->arena);
      Restored restored{restore->arena, {}};
      if (Below(4) == 0) restored.lost.push_back(restore->extents.front());
      ++restores;
      ObjectName whose;
      for (const Extent& lost : restored.lost) {
        whose = store_.stored().NameAt(lost);
      }
      Tell(restored);
      ExpectToldOfLoss(whose);
    }
  }
  // Now and then there is little room.
  void TellDisks() {
    const bool is_full = !settling_ && Below(3) == 0;
    SpillDisks disks;
    disks.room_bytes = is_full ? Below(6) * kMiB : 100 * kStoreBytes;
    Tell(disks);
  }
  // Where the owner lives: it may have it made again.
  void ExpectToldOfLoss(const ObjectName& name) {
    const auto owner = processes_.find(name.owner);
    if (owner == processes_.end()) return;
    ++told_losses;
    bool is_told = false;
    for (const base::Message& message : owner->second.inbox) {
      const auto* lost = std::get_if<base::ObjectsLost>(&message);
      is_told = is_told || (lost != nullptr && lost->objects[0].object == name);
    }
    EXPECT_TRUE(is_told);
  }
  void Tell(const Event& event) {
    Effects effects;
    EXPECT_TRUE(store_.Happened(event, now_, effects));
    CarryOut(effects);
  }

  // All that is on its way arrives; then nothing is waited for.
  void Settle() {
    for (int i = 0; i < 10'000; ++i) {
      for (auto& [id, process] : processes_) {
        while (!process.inbox.empty()) Hear(process);
        while (!process.outbox.empty()) Deliver(id);
      }
      while (!work_.empty()) ShellDoesSomething();
      now_ = now_ + milliseconds(5);
      Pump();
    }
  }
  void EndAll() {
    settling_ = true;
    Settle();
    EXPECT_EQ(store_.arenas().waiting(), 0u);
    EXPECT_EQ(store_.arenas().rounds(), 0u);
    for (auto& [id, process] : processes_) {
      for (const RequestId request : process.asked) {
        EXPECT_TRUE(cancelled_.contains(request));
      }
      EXPECT_TRUE(process.opening.empty());
      while (!process.owned.empty()) FreeOne(process);
    }
    Settle();
    for (const auto& [object, extent] : kept_) {
      kept_at_end += store_.stored().Contains(object) ? 1 : 0;
      Effects effects;
      store_.LetGo(object, effects);
      CarryOut(effects);
    }
    Settle();
    EXPECT_EQ(store_.kept().size(), 0u);
    EXPECT_EQ(store_.stored().size(), 0u);
    EXPECT_EQ(store_.stored().bytes(), 0u);
    while (!processes_.empty()) Die(processes_.begin()->first);
    Settle();
    EXPECT_EQ(store_.arenas().size(), 0u);
    EXPECT_EQ(store_.arenas().charged_bytes(), 0u);
    EXPECT_EQ(store_.stored().remembered(), 0u);
    EXPECT_EQ(store_.custody().size(), 0u);
    EXPECT_EQ(store_.custody().rounds(), 0u);
    EXPECT_TRUE(memory_.empty());
    EXPECT_TRUE(disk_.empty());
  }

  std::mt19937 random_;
  BootTime now_ = BootTime::FromSinceBoot(milliseconds(1));
  ObjectStore store_;
  Processes processes_;
  std::uint64_t processes_made_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t objects_ = 0;
  std::set<RequestId> cancelled_;
  std::map<ObjectId, Extent> kept_;
  std::deque<Effect> work_;
  std::map<ArenaId, std::uint64_t> memory_;
  std::set<ArenaId> disk_;
  std::set<ArenaId> sealed_;
  bool settling_ = false;
};

TEST(ObjectStoreTest, InvariantsHoldInRandomWorlds) {
  int spills = 0;
  int restores = 0;
  int told_losses = 0;
  int frees_first = 0;
  int refusals = 0;
  int late_openers = 0;
  int looks = 0;
  int frees_on_disk = 0;
  int keeps = 0;
  int kept_at_end = 0;
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStore store(seed);
    store.Run(6000);
    spills += store.spills;
    restores += store.restores;
    told_losses += store.told_losses;
    frees_first += store.frees_first;
    refusals += store.refusals;
    late_openers += store.late_openers;
    looks += store.looks;
    frees_on_disk += store.frees_on_disk;
    keeps += store.keeps;
    kept_at_end += store.kept_at_end;
  }
  EXPECT_GT(spills, 100);
  EXPECT_GT(restores, 20);
  EXPECT_GT(told_losses, 0);
  EXPECT_GT(frees_first, 100);
  EXPECT_GT(refusals, 10);
  EXPECT_GT(late_openers, 0);
  EXPECT_GT(looks, 0);
  EXPECT_GT(frees_on_disk, 0);
  EXPECT_GT(keeps, 1'000);
  EXPECT_GT(kept_at_end, 20);
}

}  // namespace
}  // namespace mobula::raylet
