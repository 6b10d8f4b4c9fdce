// How records, amounts and text are shown.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/control/records.h"
#include "cli/tables/amounts.h"
#include "cli/tables/items.h"
#include "cli/tables/json_text.h"
#include "cli/tables/text_table.h"

namespace mobula::cli {
namespace {

TEST(AmountsTest, AsPeopleReadThem) {
  EXPECT_EQ(ShowBytes(0), "0 B");
  EXPECT_EQ(ShowBytes(1023), "1023 B");
  EXPECT_EQ(ShowBytes(1024), "1.0 KiB");
  EXPECT_EQ(ShowBytes(1'048'575), "1.0 MiB");
  EXPECT_EQ(ShowBytes(16'106'127'360), "15.0 GiB");
  EXPECT_EQ(ShowBytes(INT64_MAX), "8.0 EiB");
  EXPECT_EQ(ShowAge(-5), "0s");
  EXPECT_EQ(ShowAge(59'999), "59s");
  EXPECT_EQ(ShowAge(60'000), "1m");
  EXPECT_EQ(ShowAge(312'000), "5m12s");
  EXPECT_EQ(ShowAge(3'599'000), "59m");
  EXPECT_EQ(ShowAge(8'000'000), "2h13m");
  EXPECT_EQ(ShowAge(86'400'000), "1d");
  EXPECT_EQ(ShowAge(400'000'000), "4d15h");
  EXPECT_EQ(ShowCount(0), "0");
  EXPECT_EQ(ShowCount(999), "999");
  EXPECT_EQ(ShowCount(1'234'567), "1,234,567");
  EXPECT_EQ(ShowQuantity(10'000), "1");
  EXPECT_EQ(ShowQuantity(25'000), "2.5");
  EXPECT_EQ(ShowQuantity(1), "0.0001");
  EXPECT_EQ(ShowQuantity(-5'000), "-0.5");
  EXPECT_EQ(ShowResources({}), "");
  EXPECT_EQ(ShowResources(base::ResourceVector::Cpus(2)
                              .With("memory", 4'294'967'296)
                              .With("gpu", 0.5)),
            "cpu 2, gpu 0.5, memory 4.0 GiB");
}

TEST(JsonTextTest, EscapesWhatMustBe) {
  EXPECT_EQ(JsonString(""), "\"\"");
  EXPECT_EQ(JsonString("a\"b\\c\n\r\t\x01\x7f"),
            R"("a\"b\\c\n\r\t\u0001\u007f")");
  EXPECT_EQ(JsonString("größe 大 😀"), "\"größe 大 😀\"");
  EXPECT_EQ(JsonString(std::string_view("a\0b", 3)), R"("a\u0000b")");
  // Not UTF-8: cut, overlong, a surrogate, above the last character.
  EXPECT_EQ(JsonString("\xc3"), R"("\ufffd")");
  EXPECT_EQ(JsonString("\xc0\xaf"), R"("\ufffd\ufffd")");
  EXPECT_EQ(JsonString("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(JsonString("\xf4\x90\x80\x80x"), R"("\ufffd\ufffd\ufffd\ufffdx")");
  EXPECT_EQ(JsonArray({}), "[]");
  EXPECT_EQ(JsonArray({"1", "2"}), "[1,2]");
  EXPECT_EQ(JsonObject().text(), "{}");
  EXPECT_EQ(JsonObject().Add("a", "1").Add("b", "[]").text(),
            R"({"a":1,"b":[]})");
}

TEST(JsonTextTest, ATerminalIsNotTold) {
  EXPECT_EQ(Printable("a\x1b[2Jb\xc2\x9bZ\xff大"), "a?[2Jb?Z?大");
}

TEST(TextTableTest, AlignsAndLeavesOutWhatIsEmpty) {
  TextTable table({"A", "EMPTY", "LONG TITLE", "D"});
  table.Add({"1", "", "x", "last"});
  table.Add({"größe", "", "", ""});
  EXPECT_EQ(table.Text(),
            "A      LONG TITLE  D\n"
            "1      x           last\n"
            "größe\n");
}

base::ActorRecord SomeActor() {
  base::ActorRecord actor;
  actor.actor = {1, 2};
  actor.job = {3, 4};
  actor.ns = "default";
  actor.name = "index";
  actor.class_name = "Index";
  actor.detached = true;
  actor.restarts_max = -1;
  actor.restarts = 2;
  actor.state = base::ActorState::kAlive;
  actor.node = {5, 6};
  actor.pid = 17;
  actor.since_ms = 1'000;
  actor.cause.message = "was killed by signal 9";
  return actor;
}

TEST(ItemsTest, ActorsInATable) {
  base::ActorRecord other = SomeActor();
  other.actor = {1, 3};
  other.name = "";
  other.detached = false;
  other.shared = true;
  other.restarts = 0;
  other.restarts_max = 0;
  other.state = base::ActorState::kDead;
  other.pid = 0;
  other.cause.message = "it was\nkilled";
  EXPECT_EQ(TableOf({ItemOf(SomeActor(), 61'000), ItemOf(other, 61'000)}),
            "ACTOR                             STATE  NAME   NAMESPACE  CLASS  "
            "DETACHED  SHARED  PID  RESTARTS  AGE  CAUSE\n"
            "00000000000000010000000000000002  alive  index  default    Index  "
            "yes               17   2/any     1m\n"
            "00000000000000010000000000000003  dead          default    Index  "
            "          yes                    1m   it was?killed\n");
  EXPECT_EQ(TableOf({}), "");
}

TEST(ItemsTest, AnActorInFull) {
  EXPECT_EQ(JsonOf(ItemOf(SomeActor(), 61'000)),
            R"({"actor":"00000000000000010000000000000002","state":"alive",)"
            R"("name":"index","namespace":"default","class":"Index",)"
            R"("detached":true,"shared":false,"pid":17,"restarts":2,)"
            R"("since_ms":1000,)"
            R"("cause":"","restarts_max":-1,"restarts_left":null,)"
            R"("last_end":"was killed by signal 9","incarnation":1,)"
            R"("separated":false,)"
            R"("job":"00000000000000030000000000000004",)"
            R"("node":"00000000000000050000000000000006","worker":null,)"
            R"("owner":null,"owner_node":null})");
  EXPECT_EQ(DetailsOf(ItemOf(SomeActor(), 61'000)),
            "actor          00000000000000010000000000000002\n"
            "state          alive\n"
            "name           index\n"
            "namespace      default\n"
            "class          Index\n"
            "detached       yes\n"
            "pid            17\n"
            "restarts       2/any\n"
            "age            1m\n"
            "restarts left  any number\n"
            "last end       was killed by signal 9\n"
            "incarnation    1\n"
            "job            00000000000000030000000000000004\n"
            "node           00000000000000050000000000000006\n");
}

TEST(ItemsTest, AnActorThatIsRestartedSaysWhy) {
  base::ActorRecord actor = SomeActor();
  actor.state = base::ActorState::kRestarting;
  actor.restarts_max = 3;
  EXPECT_TRUE(TableOf({ItemOf(actor, 61'000)})
                  .ends_with(" 2/3       1m   was killed by signal 9\n"))
      << TableOf({ItemOf(actor, 61'000)});
  const std::string details = DetailsOf(ItemOf(actor, 61'000));
  EXPECT_NE(details.find("\ncause          was killed by signal 9\n"),
            std::string::npos)
      << details;
  EXPECT_NE(details.find("\nrestarts left  1\n"), std::string::npos) << details;
  EXPECT_EQ(details.find("last end"), std::string::npos) << details;
  actor.restarts = 3;
  EXPECT_NE(DetailsOf(ItemOf(actor, 61'000)).find("restarts left  none\n"),
            std::string::npos);
  actor.state = base::ActorState::kDead;
  const std::string dead = DetailsOf(ItemOf(actor, 61'000));
  EXPECT_NE(dead.find("\ncause        was killed by signal 9\n"),
            std::string::npos)
      << dead;
  EXPECT_EQ(dead.find("restarts left"), std::string::npos) << dead;
}

TEST(ItemsTest, NodesJobsWorkersTasks) {
  base::NodeRecord node;
  node.node = {5, 6};
  node.name = "host";
  node.is_head = true;
  node.pid = 9;
  node.since_ms = 1'000;
  node.total = base::ResourceVector::Cpus(2).With("a\"b", 1);
  node.labels = {{"zone", "x"}};
  EXPECT_EQ(TableOf({ItemOf(node, 6'000)}),
            "NODE                              STATE  NAME  HEAD  PID  "
            "RESOURCES     LABELS  AGE\n"
            "00000000000000050000000000000006  alive  host  yes   9    "
            "a\"b 1, cpu 2  zone=x  5s\n");
  EXPECT_NE(JsonOf(ItemOf(node, 0))
                .find(R"("resources":{"a\"b":1,"cpu":2},)"
                      R"("labels":{"zone":"x"})"),
            std::string::npos);
  base::JobRecord job;
  job.job = {3, 4};
  job.program = "index";
  job.pid = 8;
  job.ns = "default";
  EXPECT_EQ(TableOf({ItemOf(job, 0)}),
            "JOB                               STATE    PROGRAM  PID  "
            "NAMESPACE  WEIGHT\n"
            "00000000000000030000000000000004  running  index    8    "
            "default    1\n");
  base::WorkerInfo worker;
  worker.pid = 7;
  worker.state = "idle";
  EXPECT_EQ(TableOf({ItemOf(worker, 0)}), "PID  STATE\n7    idle\n");
}

TEST(ItemsTest, Status) {
  base::StatusAnswer status;
  status.cluster = {1, 2};
  status.epoch = 3;
  status.pid = 4;
  status.up_ms = 5'000;
  status.nodes_alive = 2;
  status.actors_alive = 1'000;
  status.disk_free_bytes = 1 << 30;
  status.log_number = 12'345;
  status.total = base::ResourceVector::Cpus(8);
  EXPECT_EQ(TextOf(status, "unix:/s", {}),
            "cluster  00000000000000010000000000000002\n"
            "store    unix:/s, pid 4, up 5s, epoch 3\n"
            "nodes    2 alive, 0 dead\n"
            "jobs     0 running\n"
            "actors   1,000 alive, 0 starting, 0 dead\n"
            "keys     0\n"
            "offers   cpu 8\n"
            "disk     1.0 GiB free, 12,345 batches written\n");
  EXPECT_EQ(JsonOf(status, "unix:/s", {{{1, 2}, 300, 20, 1, 0, 0, 0, ""}}),
            R"({"cluster":"00000000000000010000000000000002",)"
            R"("address":"unix:/s","epoch":3,"pid":4,"up_ms":5000,)"
            R"("nodes_alive":2,"nodes_dead":0,"jobs_running":0,)"
            R"("actors_alive":1000,"actors_starting":0,"actors_dead":0,)"
            R"("keys":0,"log_number":12345,"disk_full":false,)"
            R"("disk_free_bytes":1073741824,"resources":{"cpu":8},)"
            R"("stores":[{"node":"00000000000000010000000000000002",)"
            R"("bytes_max":300,"bytes_used":20,"spilled_bytes":1,)"
            R"("remade":0,"differing":0,"file_bytes":0,)"
            R"("disk_trouble":""}]})");
  EXPECT_NE(TextOf(status, "x", {{{1, 2}, 0, 0, 0, 0, 0, 0, ""}})
                .find("\nvalues   no store on node 0000"),
            std::string::npos);
  EXPECT_NE(TextOf(status, "x", {{{1, 2}, 300, 20, 1, 4, 2, 0, ""}})
                .find(" 4 lost and made again (2 as another value), on node"),
            std::string::npos);
  EXPECT_NE(TextOf(status, "x", {{{1, 2}, 300, 20, 1, 0, 0, 4096, ""}})
                .find(" on disk in files of 4.0 KiB, on node"),
            std::string::npos);
  EXPECT_NE(TextOf(status, "x", {{{1, 2}, 300, 20, 1, 0, 0, 0, "no /a"}})
                .find(" LEAVING A FOLDER ALONE (no /a), on node"),
            std::string::npos);
  status.disk_full = true;
  EXPECT_NE(TextOf(status, "x", {}).find("THE DISK IS FULL"),
            std::string::npos);
}

}  // namespace
}  // namespace mobula::cli
