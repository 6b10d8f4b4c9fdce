// The commands, asked of a control store and a raylet that answer by heart.
#include "cli/tables/show.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/control/control_address.h"
#include "base/control/control_request.h"
#include "base/control/node_file.h"
#include "base/control/object_records.h"
#include "base/frames/link.h"
#include "base/frames/message.h"
#include "base/frames/task_message.h"
#include "base/mutex.h"
#include "base/rpc/control_server.h"
#include "base/strand.h"
#include "base/unique_fd.h"
#include "cli/tables/object_rows.h"

namespace mobula::cli {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

void RunOn(base::Strand& strand, const std::function<void()>& closure) {
  base::Mutex mutex;
  base::CondVar changed;
  bool done = false;
  strand.Post([&mutex, &changed, &done, &closure] {
    closure();
    base::MutexLock lock(mutex);
    done = true;
    changed.NotifyOne();
  });
  base::MutexLock lock(mutex);
  while (!done) changed.Wait(mutex);
}

base::ActorRecord ActorOf(std::uint64_t lo, const std::string& name,
                          base::ActorState state) {
  base::ActorRecord actor;
  actor.actor = {0xa000'0000'0000'0000, lo};
  actor.name = name;
  actor.ns = "default";
  actor.class_name = "Counter";
  actor.state = state;
  return actor;
}

constexpr std::uint64_t kObjectsHi = 0xab00'0000'0000'0000;
constexpr std::uint64_t kObjects = 2'500;

base::ObjectRecord ObjectOf(std::uint64_t lo) {
  base::ObjectRecord object;
  object.object = {kObjectsHi, lo};
  object.owner = {0xcc, 1};
  object.places.push_back({{0xb0, 1}, {5'000, 2, 1}});
  if (lo == 1) object.kept = {{0xee, 1}, {0xee, 2}};
  return object;
}

// Many, in parts of a thousand; two names for the first, whose owner lives, and
// one for what lies in the control store itself.
base::ObjectsAnswer ObjectsAfter(const base::ListObjects& list) {
  base::ObjectsAnswer answer;
  std::uint64_t at = 1;
  if (list.after.hi > kObjectsHi) at = kObjects + 1;
  if (list.after.hi == kObjectsHi) at = list.after.lo + 1;
  const std::uint64_t count_max = std::min(list.count_max, 1'000u);
  for (; at <= kObjects && answer.objects.size() < count_max; ++at) {
    answer.objects.push_back(ObjectOf(at));
  }
  answer.more = at <= kObjects;
  answer.named = kObjects;
  answer.unnamed = 7;
  return answer;
}
base::PublishedListAnswer PublishedAfter(const base::ListPublished& list) {
  base::PublishedListAnswer answer;
  base::PublishedRecord value;
  value.ns = "default";
  if (list.after_name.empty()) {
    value.name = "inline";
    value.byte_count = 12;
    answer.more = true;
  } else {
    const bool is_second = list.after_name == "large";
    value.name = is_second ? "twin" : "large";
    value.type = "Model";
    value.object = {0xee, is_second ? 2u : 1u};
    answer.more = !is_second;
    value.node = {0xb0, 1};
    value.byte_count = 5'000;
  }
  answer.values.push_back(value);
  return answer;
}

// What the cluster holds: two nodes, two jobs, 3 actors, one of them dead, and
// objects.
base::ControlReply Answer(const base::ControlRequest& request) {
  return std::visit(
      Overloaded{
          [](const base::GetStatus&) -> base::ControlReply {
            base::StatusAnswer status;
            status.cluster = {0xc, 1};
            status.epoch = 3;
            status.nodes_alive = 1;
            return status;
          },
          [](const base::ListNodes&) -> base::ControlReply {
            base::NodesAnswer answer;
            answer.nodes.resize(2);
            answer.nodes[0].node = {0xb0'00'00'00'00'00'00'00, 1};
            answer.nodes[0].name = "host";
            answer.nodes[1].node = {0xb0'00'00'00'00'00'00'00, 2};
            answer.nodes[1].state = base::NodeState::kDead;
            for (auto& node : answer.nodes) node.raylet = {1, 1};
            return answer;
          },
          [](const base::ListJobs&) -> base::ControlReply {
            base::JobsAnswer answer;
            answer.jobs.resize(1);
            answer.jobs[0].job = {0xd0'00'00'00'00'00'00'00, 1};
            answer.jobs[0].state = base::JobState::kEnded;
            return answer;
          },
          // In two parts.
          [](const base::ListActors& list) -> base::ControlReply {
            base::ActorsAnswer answer;
            if (list.after.IsNil()) {
              answer.actors = {ActorOf(1, "one", base::ActorState::kAlive)};
              answer.more = true;
              return answer;
            }
            answer.actors = {ActorOf(2, "", base::ActorState::kPending)};
            if (list.with_dead) {
              answer.actors.push_back(ActorOf(3, "", base::ActorState::kDead));
            }
            return answer;
          },
          [](const base::FindActor& find) -> base::ControlReply {
            if (find.name == "one") {
              return base::ActorAnswer{
                  ActorOf(1, "one", base::ActorState::kAlive), true};
            }
            base::Failure failure;
            failure.code = base::FailureCode::kNoSuchActor;
            failure.message = "no living actor is called " + find.name;
            return failure;
          },
          [](const base::ListPublished& list) -> base::ControlReply {
            return PublishedAfter(list);
          },
          [](const base::ListObjects& list) -> base::ControlReply {
            return ObjectsAfter(list);
          },
          [](const auto&) -> base::ControlReply { return base::Done(); },
      },
      request);
}

// A session folder with a node in it: a control store and a raylet.
class ShowTest : public testing::Test {
 protected:
  ShowTest() : strand_("store") {
    std::string pattern = testing::TempDir() + "/showXXXXXX";
    top_ = ::mkdtemp(pattern.data());
    ::setenv("XDG_RUNTIME_DIR", top_.c_str(), 1);
    ::unsetenv("MOBULA_ADDRESS");
    folder_ = top_ + "/mobula/0123456789abcdef";
    ::mkdir((top_ + "/mobula").c_str(), 0700);
    ::mkdir(folder_.c_str(), 0700);
    strand_.StartThread();
  }
  ~ShowTest() override {
    RunOn(strand_, [this] {
      server_ = nullptr;
      link_ = nullptr;
      if (raylet_.valid()) strand_.Unwatch(raylet_.get());
    });
    std::filesystem::remove_all(top_);
  }

  void StartNode() {
    RunOn(strand_, [this] {
      StartStore();
      StartRaylet();
    });
    base::NodeFile file;
    file.folder = folder_;
    file.control = "unix:" + folder_ + "/control.sock";
    file.raylet = folder_ + "/raylet.sock";
    file.node = {1, 1};
    file.cluster = {0xc, 1};
    file.pid = ::getpid();
    std::string error;
    ASSERT_TRUE(base::WriteNodeFile(file, &error)) << error;
  }
  void StartStore() {
    base::ControlServer::Options options;
    options.self = {1, 1};
    options.epoch = 3;
    base::ControlServer::Callbacks callbacks;
    callbacks.on_open = [](base::ProcessId) {};
    callbacks.on_lost = [](base::ProcessId, const std::string&) {};
    callbacks.on_message = [this](base::ProcessId peer,
                                  const base::ControlMessage& message) {
      const auto& call = std::get<base::ControlCall>(message);
      base::ControlAnswer answer;
      answer.request = call.request;
      answer.to = call.from;
      answer.body = Answer(call.body);
      server_->Send(peer, answer);
    };
    server_ = std::make_unique<base::ControlServer>(strand_, options,
                                                    std::move(callbacks));
    std::string error;
    base::ControlAddress bound;
    const auto address = base::ControlAddress::Parse(
        "unix:" + folder_ + "/control.sock", &error);
    ASSERT_TRUE(server_->Listen(*address, &bound, &error)) << error;
  }
  void StartRaylet() {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string path = folder_ + "/raylet.sock";
    std::memcpy(name.sun_path, path.data(), path.size());
    raylet_ = base::UniqueFd(
        ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(raylet_.get(), reinterpret_cast<const sockaddr*>(&name),
                     sizeof name),
              0);
    ASSERT_EQ(::listen(raylet_.get(), 8), 0);
    strand_.Watch(raylet_.get(), base::Strand::kReadable,
                  [this](std::uint32_t) {
                    strand_.AssertHeld();
                    ServeTool();
                  });
  }
  void ServeTool() {
    base::UniqueFd socket(::accept4(raylet_.get(), nullptr, nullptr,
                                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) return;
    base::Link::Options options;
    options.self = {2, 2};
    options.role = base::Role::kRaylet;
    base::Link::Callbacks callbacks;
    callbacks.on_open = [](base::ProcessId, base::Role) {};
    callbacks.on_closed = [](const std::string&) {};
    callbacks.on_message = [this](const base::Message& message,
                                  base::UniqueFd) {
      if (const auto* list = std::get_if<base::ListTasks>(&message)) {
        TellTasks(*list);
        return;
      }
      base::LocalListing listing;
      listing.workers.resize(1);
      listing.workers[0].process = {0xe000'0000'0000'0000, 1};
      listing.workers[0].pid = 17;
      listing.workers[0].state = "leased";
      listing.workers[0].function = "Count";
      listing.workers[0].job = {0xf000'0000'0000'0000, 1};
      listing.workers[0].actor = {0xa000'0000'0000'0000, 9};
      base::StoreInfo& store = listing.stores.emplace_back();
      store.node = {1, 1};
      store.bytes_max = 32u << 20;
      store.bytes_used = 4u << 20;
      store.spilled_bytes = 1u << 20;
      link_->Send(listing);
    };
    link_ = std::make_unique<base::Link>(strand_, std::move(socket), options,
                                         std::move(callbacks));
  }

  // A driver has two tasks; another one is silent.
  void TellTasks(const base::ListTasks& list) {
    base::TaskPart part;
    part.process = {3, 3};
    for (std::uint64_t n = 1; n <= 2; ++n) {
      base::TaskRow row;
      row.task = {0xfa00'0000'0000'0000, n};
      row.state = n == 1 ? base::TaskState::kQueued : base::TaskState::kRunning;
      row.function = "Square";
      if (!list.task.IsNil() && list.task != row.task) continue;
      if (part.tasks.rows.size() < list.rows_max) {
        part.tasks.rows.push_back(row);
      }
      part.tasks.counts.push_back(
          {base::TaskKind::kTask, row.state, "Square", 1});
    }
    link_->Send(part);
    base::TasksListed listed;
    listed.processes.resize(2);
    listed.processes[0].process = {3, 3};
    listed.processes[0].pid = 10;
    listed.processes[0].is_complete = true;
    listed.processes[1].process = {3, 4};
    listed.processes[1].role = "driver";
    listed.processes[1].pid = 11;
    listed.processes[1].silent_ms = 2'000;
    link_->Send(listed);
  }

  static ListCommand List(const std::string& what, bool json = false,
                          bool all = false) {
    ListCommand command;
    command.what = what;
    command.json = json;
    command.all = all;
    return command;
  }
  static GetCommand Get(const std::string& which) {
    GetCommand command;
    command.which = which;
    return command;
  }

  std::string top_;
  std::string folder_;
  base::Strand strand_;
  std::unique_ptr<base::ControlServer> server_;
  base::UniqueFd raylet_;
  std::unique_ptr<base::Link> link_;
};

TEST_F(ShowTest, WithoutAClusterItSaysWhatToDo) {
  for (const Shown& shown : {Show(StatusCommand()), Show(List("nodes")),
                             Show(List("workers")), Show(Get("abcd"))}) {
    EXPECT_EQ(shown.exit_code, kNoCluster);
    EXPECT_EQ(shown.out, "");
    EXPECT_NE(shown.err.find("no node of yours runs on this machine"),
              std::string::npos)
        << shown.err;
  }
  StatusCommand wrong;
  wrong.store.address = "elsewhere:1";
  const Shown shown = Show(wrong);
  EXPECT_EQ(shown.exit_code, kFailed);
  EXPECT_NE(shown.err.find("no number"), std::string::npos) << shown.err;
}

TEST_F(ShowTest, Status) {
  StartNode();
  StatusCommand command;
  EXPECT_TRUE(Show(command).out.starts_with(
      "cluster  000000000000000c0000000000000001\nstore    unix:" + folder_));
  EXPECT_NE(Show(command).out.find("\nvalues   4.0 MiB of 32.0 MiB of memory, "
                                   "1.0 MiB on disk, on node 0000"),
            std::string::npos)
      << Show(command).out;
  command.json = true;
  const Shown shown = Show(command);
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_TRUE(shown.out.starts_with(
      R"({"cluster":"000000000000000c0000000000000001","address":"unix:)"))
      << shown.out;
  EXPECT_TRUE(shown.out.ends_with("}\n"));
}

TEST_F(ShowTest, WhatIsOverIsHiddenUntilAskedFor) {
  StartNode();
  Shown shown = Show(List("nodes"));
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_NE(shown.out.find("host"), std::string::npos) << shown.out;
  EXPECT_EQ(shown.out.find("dead"), std::string::npos);
  EXPECT_EQ(shown.err, "1 dead one is not shown; --all shows all\n");
  shown = Show(List("nodes", /*json=*/false, /*all=*/true));
  EXPECT_NE(shown.out.find("dead"), std::string::npos);
  EXPECT_EQ(shown.err, "");
  shown = Show(List("jobs"));
  EXPECT_EQ(shown.out, "");
  EXPECT_EQ(shown.err, "no jobs\n1 ended one is not shown; --all shows all\n");
  EXPECT_EQ(Show(List("jobs", /*json=*/true)).out, "{\"jobs\":[]}\n");
}

TEST_F(ShowTest, AllPartsOfALongList) {
  StartNode();
  const std::string living = Show(List("actors", /*json=*/true)).out;
  EXPECT_TRUE(living.starts_with(R"({"actors":[{"actor":"a0)")) << living;
  EXPECT_NE(living.find(R"("state":"pending")"), std::string::npos);
  EXPECT_EQ(living.find(R"("state":"dead")"), std::string::npos);
  const std::string all = Show(List("actors", true, true)).out;
  EXPECT_NE(all.find(R"("state":"dead")"), std::string::npos);
}

std::size_t LinesOf(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(ShowTest, ObjectsAreBoundedAndTheNamedComeFirst) {
  StartNode();
  Shown shown = Show(List("objects"));
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(LinesOf(shown.out), 1 + kObjectRowsMax);
  const std::size_t first = shown.out.find("inline");
  const std::size_t second = shown.out.find("large");
  EXPECT_LT(first, second) << shown.out.substr(0, 500);
  EXPECT_LT(second, shown.out.find("ab000000000000000000000000000002"));
  EXPECT_NE(shown.out.find("large, twin"), std::string::npos);
  EXPECT_NE(shown.out.find("the control store"), std::string::npos);
  EXPECT_NE(shown.out.find("1 of 2"), std::string::npos);
  EXPECT_TRUE(shown.err.starts_with(
      "1501 more are not shown; --all shows all\n7 more are in the stores"))
      << shown.err;
  shown = Show(List("objects", /*json=*/false, /*all=*/true));
  EXPECT_EQ(LinesOf(shown.out), 1 + kObjects + 1);
  EXPECT_TRUE(shown.err.starts_with("7 more are in")) << shown.err;
  const std::string json = Show(List("objects", /*json=*/true)).out;
  EXPECT_TRUE(json.starts_with(R"({"objects":[{"object":null,"bytes":12,)"))
      << json.substr(0, 300);
  EXPECT_NE(json.find(R"("name":"large","namespace":"default","type":"Model",)"
                      R"("nodes":[{"node":"00000000000000b00000000000000001",)"
                      R"("bytes":5000,"extents":2,"spilled":1}])"),
            std::string::npos)
      << json.substr(0, 1'000);
  EXPECT_NE(json.find(R"("names":[{"name":"large","namespace":"default"},)"
                      R"({"name":"twin","namespace":"default"}])"),
            std::string::npos)
      << json.substr(0, 1'000);
  EXPECT_TRUE(json.ends_with("],\"left_out\":1508}\n"));
}

TEST_F(ShowTest, AnObjectByItsId) {
  StartNode();
  Shown shown = Show(Get("ab000000000000000000000000000001"));
  EXPECT_TRUE(shown.out.starts_with("kind       object\nobject     ab00"))
      << shown.out << shown.err;
  EXPECT_NE(shown.out.find("large, twin"), std::string::npos) << shown.out;
  shown = Show(Get("ab00"));
  EXPECT_NE(shown.err.find("may be any of"), std::string::npos) << shown.err;
}

TEST_F(ShowTest, WorkersAreAskedOfTheRaylet) {
  StartNode();
  const Shown shown = Show(List("workers"));
  EXPECT_EQ(shown.out,
            "PID  STATE   FUNCTION  JOB\n"
            "17   leased  Count     f0000000000000000000000000000001\n");
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
}

TEST_F(ShowTest, TasksAreAskedOfTheirOwners) {
  StartNode();
  const Shown shown = Show(List("tasks"));
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(shown.out,
            "TASK                              STATE    FUNCTION  FOR  OWNER "
            "PID\n"
            "fa000000000000000000000000000002  running  Square    0s   10\n"
            "fa000000000000000000000000000001  queued   Square    0s   10\n");
  EXPECT_EQ(shown.err,
            "driver 11 has not answered for 2s: what it has asked for is not "
            "shown\n");
  ListCommand grouped = List("tasks");
  grouped.tasks.group_by = "state";
  EXPECT_EQ(Show(grouped).out, "STATE    TASKS\nqueued   1\nrunning  1\n");
  const Shown one = Show(Get("fa000000000000000000000000000001"));
  EXPECT_TRUE(one.out.starts_with("kind       task\ntask       fa00"))
      << one.out << one.err;
  const Shown two = Show(Get("fa00"));
  EXPECT_NE(two.err.find("may be any of"), std::string::npos) << two.err;
}

TEST_F(ShowTest, ARayletThatIsGoneIsAFailureAndSaidSo) {
  StartNode();
  RunOn(strand_, [this] {
    strand_.Unwatch(raylet_.get());
    raylet_.Reset();
  });
  const Shown shown = Show(List("workers"));
  EXPECT_EQ(shown.exit_code, kFailed);
  EXPECT_NE(shown.err.find("cannot reach the raylet at " + folder_),
            std::string::npos)
      << shown.err;
  // The rest of the status stands.
  const Shown status = Show(StatusCommand());
  EXPECT_EQ(status.exit_code, 0);
  EXPECT_NE(status.out.find("nodes    1 alive"), std::string::npos);
  EXPECT_NE(status.err.find("cannot reach the raylet"), std::string::npos);
}

TEST_F(ShowTest, OneThingByIdOrName) {
  StartNode();
  Shown shown = Show(Get("b000000000000000"));
  EXPECT_EQ(shown.exit_code, kFailed);
  EXPECT_NE(shown.err.find("may be any of"), std::string::npos) << shown.err;
  shown = Show(Get("b0000000000000000000000000000002"));
  EXPECT_TRUE(
      shown.out.starts_with("kind    node\n"
                            "node    b00000"))
      << shown.out << shown.err;
  shown = Show(Get("a0000000000000000000000000000003"));
  EXPECT_NE(shown.out.find("state        dead"), std::string::npos)
      << shown.out << shown.err;
  shown = Show(Get("e000"));
  EXPECT_TRUE(shown.out.starts_with("kind      worker\npid       17\n"))
      << shown.out << shown.err;
  // The control store does not know it.
  shown = Show(Get("f0000000000000000000000000000001"));
  EXPECT_EQ(shown.out,
            "kind   job\n"
            "job    f0000000000000000000000000000001\n"
            "state  running\n"
            "actor  a0000000000000000000000000000009\n")
      << shown.err;
  shown = Show(Get("17"));
  EXPECT_TRUE(shown.out.starts_with("kind      worker\npid       17\n"))
      << shown.out << shown.err;
  for (const char* const nothing : {"", "actor:"}) {
    shown = Show(Get(nothing));
    EXPECT_EQ(shown.exit_code, kFailed);
    EXPECT_TRUE(shown.err.starts_with("mobula: which actor?")) << shown.err;
  }
  GetCommand by_name = Get("one");
  by_name.json = true;
  EXPECT_TRUE(Show(by_name).out.starts_with(R"({"kind":"actor","actor":"a0)"));
  shown = Show(Get("nobody"));
  EXPECT_EQ(shown.exit_code, kFailed);
  EXPECT_EQ(shown.err, "mobula: no living actor is called nobody\n");
  shown = Show(Get("ffff"));
  EXPECT_EQ(shown.err, "mobula: nothing that lives has the id ffff\n");
}

}  // namespace
}  // namespace mobula::cli
