#include "base/frames/message_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

namespace mobula::base {
namespace {

// One of each kind, default but for what must be there.
template <std::size_t kIndex>
void AddKinds(std::vector<Message>& messages) {
  if constexpr (kIndex < std::variant_size_v<Message>) {
    messages.emplace_back(std::in_place_index<kIndex>);
    AddKinds<kIndex + 1>(messages);
  }
}

ControlCall Asks(ControlRequest body) {
  ControlCall call;
  call.request = RequestId{1, 1};
  call.from = ProcessId{2, 2};
  call.body = std::move(body);
  return call;
}

LostBytes SomeBytes() {
  return {ObjectName{ObjectId{1, 2}, ProcessId{3, 4}},
          Extent{ArenaId{5, 6}, 64, 4097, 1}};
}

std::vector<Message> OneOfEach() {
  std::vector<Message> messages;
  AddKinds<0>(messages);
  for (Message& message : messages) {
    if (auto* reg = std::get_if<Register>(&message)) {
      reg->process = ProcessId{1, 2};
      reg->program = "index";
    } else if (auto* lease = std::get_if<RequestLease>(&message)) {
      lease->lease = LeaseId{3, 4};
      lease->shape = ResourceVector::Cpus(0.5).With("gpu", 1);
    } else if (auto* lost = std::get_if<LeaseLost>(&message)) {
      lost->failure.log_tail = {"a", "b"};
    } else if (auto* done = std::get_if<TaskDone>(&message)) {
      done->outcome = Bytes::Own("value");
    } else if (auto* call = std::get_if<ControlCall>(&message)) {
      *call = Asks(GetStatus());
    } else if (auto* report = std::get_if<ActorReport>(&message)) {
      report->actor = ActorId{5, 6};
      report->incarnation = 1;
    } else if (auto* room = std::get_if<LeaseArena>(&message)) {
      room->request = RequestId{7, 8};
      room->byte_count = 4097;
    } else if (auto* stored = std::get_if<ObjectStored>(&message)) {
      stored->object = ObjectName{ObjectId{1, 2}, ProcessId{3, 4}};
      stored->extent = Extent{ArenaId{5, 6}, 64, 4097, 1};
    } else if (auto* pull = std::get_if<PullValue>(&message)) {
      pull->request = RequestId{7, 11};
      pull->object = ObjectName{ObjectId{1, 2}, ProcessId{3, 4}};
      pull->extent = Extent{ArenaId{5, 6}, 64, 4097, 1};
    } else if (auto* refused = std::get_if<PullRefused>(&message)) {
      refused->request = RequestId{7, 11};
    } else if (auto* lost = std::get_if<ObjectsLost>(&message)) {
      lost->objects = {SomeBytes()};
    } else if (auto* cancel = std::get_if<CancelObject>(&message)) {
      cancel->request = RequestId{7, 10};
      cancel->object = ObjectId{1, 2};
    } else if (auto* opened = std::get_if<StreamOpened>(&message)) {
      opened->task = TaskId{1, 7};
      opened->stream = ObjectId{1, 8};
    } else if (auto* item = std::get_if<StreamItem>(&message)) {
      item->task = TaskId{1, 7};
      item->stream = ObjectId{1, 8};
      item->value = Bytes::Own("item");
    } else if (auto* credit = std::get_if<StreamCredit>(&message)) {
      credit->task = TaskId{1, 7};
      credit->limit = 16;
    } else if (auto* returned = std::get_if<ReturnObjects>(&message)) {
      returned->objects = {ReturnedObject{ObjectId{1, 2}, 3}};
    } else if (auto* list = std::get_if<ListRefs>(&message)) {
      list->request = RequestId{7, 9};
    } else if (auto* list = std::get_if<ListOwnTasks>(&message)) {
      list->request = RequestId{7, 9};
    } else if (auto* tasks = std::get_if<TasksAre>(&message)) {
      tasks->rows.resize(1);
      tasks->rows[0].function = "Square";
      tasks->rows[0].shape = ResourceVector::Cpus(1);
      tasks->counts = {{TaskKind::kCall, TaskState::kRunning, "A::B", 3}};
    } else if (auto* refs = std::get_if<RefsAre>(&message)) {
      refs->objects.resize(1);
      refs->objects[0].counts.inside = 3;
      refs->objects[0].lent = {LentTo{ProcessId{3, 4}, 2}};
      refs->actors.resize(1);
    }
  }
  return messages;
}

bool Decodes(const std::string& bytes) {
  Message message;
  std::string error;
  const bool decoded = DecodeMessage(Bytes::Own(bytes), &message, &error);
  EXPECT_EQ(decoded, error.empty());
  return decoded;
}

TEST(MessageCodecTest, EveryKindComesBackAsItWas) {
  for (const Message& message : OneOfEach()) {
    const std::string bytes = EncodeMessage(message);
    Message read;
    std::string error;
    ASSERT_TRUE(DecodeMessage(Bytes::Own(bytes), &read, &error))
        << message.index() << ": " << error;
    EXPECT_EQ(read.index(), message.index());
    EXPECT_EQ(EncodeMessage(read), bytes);
  }
}

TEST(MessageCodecTest, LargeValuesShareTheMessageAndSmallOnesDoNot) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{100'000}}) {
    RunTask task;
    task.args = {Bytes::Own(std::string(size, 'x'))};
    const Bytes bytes = Bytes::Own(EncodeMessage(task));
    Message read;
    std::string error;
    ASSERT_TRUE(DecodeMessage(bytes, &read, &error)) << error;
    const Value& arg = std::get<RunTask>(read).args.at(0);
    EXPECT_EQ(arg, task.args[0]);
    const char* const begin = bytes.view().data();
    const bool inside =
        arg.view().data() >= begin && arg.view().data() < begin + bytes.size();
    EXPECT_EQ(inside, size > 4096);
  }
}

TEST(MessageCodecTest, WhatCannotBeIsRefused) {
  RequestLease request;
  request.lease = LeaseId{1, 1};
  EXPECT_TRUE(Decodes(EncodeMessage(request)));
  request.shape.units["cpu"] = -1;
  EXPECT_FALSE(Decodes(EncodeMessage(request)));
  request.shape.units["cpu"] = 0;
  EXPECT_FALSE(Decodes(EncodeMessage(request)));
  request.shape.units["cpu"] = INT64_MAX;
  EXPECT_FALSE(Decodes(EncodeMessage(request)));
  Register reg;
  EXPECT_FALSE(Decodes(EncodeMessage(reg))) << "no process";
  reg.process = ProcessId{1, 1};
  EXPECT_TRUE(Decodes(EncodeMessage(reg)));
  reg.role = static_cast<Role>(7);
  EXPECT_FALSE(Decodes(EncodeMessage(reg)));
  RunTask task;
  task.attempt = 0;
  EXPECT_FALSE(Decodes(EncodeMessage(task)));
  CancelObject cancel;
  cancel.request = RequestId{1, 1};
  EXPECT_FALSE(Decodes(EncodeMessage(cancel))) << "no object";
  cancel.object = ObjectId{1, 1};
  EXPECT_TRUE(Decodes(EncodeMessage(cancel)));
  ObjectCancelled answer;
  EXPECT_TRUE(Decodes(EncodeMessage(answer)));
  answer.verdict = static_cast<CancelVerdict>(9);
  EXPECT_FALSE(Decodes(EncodeMessage(answer)));
}

TEST(MessageCodecTest, StreamsNameTheirTaskAndNeverTakeCreditBack) {
  StreamOpened opened;
  opened.task = TaskId{1, 1};
  EXPECT_FALSE(Decodes(EncodeMessage(opened))) << "no stream";
  opened.stream = ObjectId{1, 1};
  EXPECT_TRUE(Decodes(EncodeMessage(opened)));
  opened.attempt = 0;
  EXPECT_FALSE(Decodes(EncodeMessage(opened))) << "no such attempt";
  StreamItem item;
  item.stream = ObjectId{1, 1};
  EXPECT_FALSE(Decodes(EncodeMessage(item))) << "no task";
  item.task = TaskId{1, 1};
  EXPECT_TRUE(Decodes(EncodeMessage(item)));
  StreamCredit credit;
  credit.task = TaskId{1, 1};
  EXPECT_TRUE(Decodes(EncodeMessage(credit)));
  credit.skip = 1;
  EXPECT_FALSE(Decodes(EncodeMessage(credit))) << "has more than it may have";
}

TEST(MessageCodecTest, ItemsOfOtherAttemptsAndProcessesAreOtherObjects) {
  const ObjectId stream{6, 1};
  const ObjectId first = ItemId(stream, ProcessId{1, 3}, 1, 0);
  EXPECT_EQ(first, ItemId(stream, ProcessId{1, 3}, 1, 0));
  EXPECT_NE(first, ItemId(stream, ProcessId{1, 3}, 1, 1));
  EXPECT_NE(first.hi, ItemId(stream, ProcessId{1, 3}, 2, 0).hi);
  EXPECT_NE(first.hi, ItemId(stream, ProcessId{1, 4}, 1, 0).hi);
  EXPECT_NE(first.hi, ItemId(stream, ProcessId{2, 3}, 1, 0).hi);
  EXPECT_NE(first.hi, ItemId(ObjectId{6, 2}, ProcessId{1, 3}, 1, 0).hi);
  EXPECT_NE(first.hi, ItemId(ObjectId{7, 1}, ProcessId{1, 3}, 1, 0).hi);
}

TEST(MessageCodecTest, LostBytesNameAnObjectAndAPlace) {
  ObjectsLost lost;
  lost.objects = {SomeBytes(), SomeBytes()};
  EXPECT_TRUE(Decodes(EncodeMessage(lost)));
  lost.objects[1].extent.arena = ArenaId();
  EXPECT_FALSE(Decodes(EncodeMessage(lost))) << "nowhere";
  lost.objects[1] = SomeBytes();
  lost.objects[1].object.owner = ProcessId();
  EXPECT_FALSE(Decodes(EncodeMessage(lost))) << "nobody's";
  TaskDone done;
  done.lost = {SomeBytes()};
  done.outcome = Failure();
  EXPECT_TRUE(Decodes(EncodeMessage(done)));
  done.outcome = Bytes::Own("it ran");
  EXPECT_FALSE(Decodes(EncodeMessage(done))) << "without its arguments";
}

// A raylet passes these on: what the control store would hang up for must not
// come so far.
TEST(MessageCodecTest, WhatTheControlStoreRefusesIsRefusedHere) {
  ControlCall call = Asks(GetStatus());
  EXPECT_TRUE(Decodes(EncodeMessage(call)));
  call.request = RequestId();
  EXPECT_FALSE(Decodes(EncodeMessage(call))) << "no request id";
  RegisterActor request;
  request.actor.actor = ActorId{3, 3};
  EXPECT_TRUE(Decodes(EncodeMessage(Asks(request))));
  request.actor.detached = true;
  EXPECT_FALSE(Decodes(EncodeMessage(Asks(request)))) << "no spec";
  ListKeys list;
  list.count_max = 1'000'000;
  EXPECT_FALSE(Decodes(EncodeMessage(Asks(list)))) << "too many";
  ActorReport report;
  report.actor = ActorId{4, 4};
  report.incarnation = 1;
  EXPECT_TRUE(Decodes(EncodeMessage(report)));
  report.state = static_cast<ActorState>(9);
  EXPECT_FALSE(Decodes(EncodeMessage(report))) << "no such state";
  ControlAnswer answer;
  Failure failure;
  failure.executed = static_cast<Executed>(9);
  answer.body = failure;
  EXPECT_FALSE(Decodes(EncodeMessage(answer))) << "neither no, maybe nor yes";
}

TEST(MessageCodecTest, CutAndDamagedMessagesNeverHarm) {
  std::mt19937_64 random(5);
  std::size_t refused = 0;
  for (const Message& message : OneOfEach()) {
    const std::string good = EncodeMessage(message);
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(Decodes(good.substr(0, size)));
    }
    EXPECT_FALSE(Decodes(good + "x"));
    for (int i = 0; i < 500; ++i) {
      std::string bad = good;
      bad[random() % bad.size()] = static_cast<char>(random());
      Message read;
      std::string error;
      if (!DecodeMessage(Bytes::Own(bad), &read, &error)) ++refused;
    }
  }
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace mobula::base
