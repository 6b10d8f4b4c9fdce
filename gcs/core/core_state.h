// What Core consists of, and what it does with each event; its sources share
// this and nobody else.
// Owner: Core.   Threading: none.
#ifndef MOBULA_GCS_CORE_CORE_STATE_H_
#define MOBULA_GCS_CORE_CORE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/boot_time.h"
#include "base/control/control_message.h"
#include "base/failure.h"
#include "base/ids.h"
#include "gcs/actors/actor_table.h"
#include "gcs/actors/restart_pace.h"
#include "gcs/core/answer_table.h"
#include "gcs/core/core.h"
#include "gcs/core/events.h"
#include "gcs/core/table_feed.h"
#include "gcs/jobs/job_table.h"
#include "gcs/kv/key_table.h"
#include "gcs/nodes/node_table.h"
#include "gcs/objects/object_table.h"
#include "gcs/objects/published_table.h"
#include "gcs/tokens/token_table.h"

namespace mobula::gcs {
#ifdef MOBULA_PLANTS
inline namespace planted {
#endif

// Why a head is dead whose successor came before the news of its end.
inline constexpr char kTakenOver[] =
    "it has ended, and a new head took its place";

struct Core::State {
  // One step: when it is and what comes of it. Answers go out last, so that
  // who reads one has been sent all that led to it.
  struct Turn {
    base::BootTime now;
    std::int64_t wall_ms;
    Effects& effects;
    Effects answers;
  };

  explicit State(const Options& options);

  // ---- core.cc -------------------------------------------------------------
  void Step(const Event& event, base::BootTime now, Effects& effects);
  void OnMessage(const Received& received, Turn& turn);
  void OnPeerLost(base::ProcessId peer);
  void OnTime(Turn& turn);
  void ArmTimer(base::BootTime now, Effects& effects);
  [[nodiscard]] Turn BeginTurn(base::BootTime now, Effects& effects) const;
  // Publishes what was written since effects had `from` items.
  void Publish(std::size_t from, Effects& effects);
  void PublishActor(const base::ActorRecord& actor);

  // ---- core_restore.cc -----------------------------------------------------
  bool Restore(std::string_view key, std::string_view value,
               std::string* error);
  bool RestoreCounter(std::string_view key, std::string_view value,
                      std::string* error);
  void Start(base::BootTime now, Effects& effects);
  // Ends what is on nodes that do not live. A node's death is written with all
  // that follows from it, so there is nothing unless the log was tampered with.
  void EndStrays(Turn& turn);

  // ---- core_nodes.cc -------------------------------------------------------
  void OnJoin(base::ProcessId peer, const base::JoinNode& join, Turn& turn);
  void OnJoinPart(base::ProcessId peer, const base::JoinPart& part, Turn& turn);
  // What has been said before the JoinNode, and is now a part of it.
  base::JoinPart TakeParts(base::ProcessId peer, base::NodeId node);
  void Unbind(base::ProcessId peer);
  // A cluster has one head at a time: who holds its folder. Those before the
  // one that joined have ended, whatever is left of their leases.
  void EndHeadsBefore(base::NodeId head, Turn& turn);
  void ReconcileJobs(base::NodeId node, const std::vector<base::JobRecord>& now,
                     Turn& turn);
  void OnLoad(base::NodeId node, const base::NodeLoad& load, Turn& turn);
  void OnRenew(base::ProcessId peer, const base::RenewNode& renew, Turn& turn);
  // What follows from the death of a node. `tell`: its raylet, that it must
  // end.
  void NodeDied(base::NodeId node, const std::string& cause, bool tell,
                Turn& turn);
  void OnJobBegan(base::NodeId node, const base::JobRecord& job, Turn& turn);
  void OnJobEndedUnheard(base::NodeId node, const base::JobRecord& job,
                         Turn& turn);
  void EndJob(base::JobId job, const std::string& cause, Turn& turn);
  // The node of the raylet that speaks; nil if it has not joined. One of a node
  // that is dead is told so.
  base::NodeId Speaker(base::ProcessId peer, Turn& turn);
  void SendTo(base::NodeId node, base::ControlMessage message, Turn& turn);

  // ---- core_actors.cc ------------------------------------------------------
  void OnReport(const base::ActorReport& report, base::NodeId node, Turn& turn);
  // Its owner's node, or the node that hosts it, is dead.
  void LoseActor(base::ActorId actor, Turn& turn);
  void ReconcileActors(base::NodeId node,
                       const std::vector<base::ActorReport>& now, Turn& turn);
  // Its worker died, and restarts_max allows one more.
  void RestartCrashed(base::ActorId actor, base::NodeId node, Turn& turn);
  void RestartDetached(base::ActorId actor, base::NodeId preferred, Turn& turn);
  void BeginReleased(Turn& turn);
  void PlaceWaiting(Turn& turn);
  void SendHost(base::ActorId actor, Turn& turn);
  base::ControlReply Register(const base::RegisterActor& request,
                              base::NodeId node, Turn& turn);
  base::ControlReply End(const base::EndActor& request, Turn& turn);

  // ---- core_objects.cc -----------------------------------------------------
  void OnObjects(base::NodeId node, const base::NodeObjects& said);
  // What the node keeps of published values.
  void OnKept(base::NodeId node, const base::KeptObjects& kept, Turn& turn);
  base::ControlReply Publish(const base::PublishValue& request,
                             base::NodeId node, Turn& turn);
  base::ControlReply Unpublish(const base::UnpublishValue& request, Turn& turn);
  // Tells nodes what they need not keep.
  void DropObjects(Turn& turn);
  // What the node kept is lost, and where things lie there is not known.
  void LoseObjects(base::NodeId node, Turn& turn);
  // Values that are kept by nodes that do not live.
  void LoseStrayObjects(Turn& turn);
  // As people know it.
  [[nodiscard]] std::string NameOf(base::NodeId node) const;

  // ---- core_requests.cc ----------------------------------------------------
  void OnCall(base::ProcessId peer, const base::ControlCall& call, Turn& turn);
  // Nothing if the request is a question.
  std::optional<base::ControlReply> Mutate(const base::ControlRequest& request,
                                           base::NodeId node, Turn& turn);
  base::ControlReply Ask(const base::ControlRequest& request,
                         base::BootTime now) const;
  base::ControlReply EndJobByRequest(base::JobId job, Turn& turn);
  base::ControlReply ReportDead(const base::ReportNodeDead& report, Turn& turn);
  [[nodiscard]] base::ControlReply Find(const base::FindActor& request) const;
  [[nodiscard]] base::ActorsAnswer List(const base::ListActors& request) const;
  [[nodiscard]] base::StatusAnswer Status(base::BootTime now) const;
  [[nodiscard]] base::Failure DiskFull() const;

  // ---- core_tokens.cc ------------------------------------------------------
  bool RestoreToken(std::string_view key, std::string_view value,
                    std::string* error);
  void OnMakeToken(const MakeToken& asked, Turn& turn);
  void OnShowToken(const ShowToken& shown, Turn& turn);

  const Options options;
  NodeTable nodes;
  JobTable jobs;
  ActorTable actors;
  RestartPace pace;
  KeyTable keys;
  PublishedTable published;
  ObjectTable objects;
  AnswerTable answers;
  TokenTable tokens;
  TableFeed node_feed;
  TableFeed actor_feed;
  // Soft: what is free on each node, as it said last.
  TableFeed load_feed;
  base::BootTime loads_due = base::BootTime::Never();

  // A raylet's session and the node that it joined, or wanted to, until the
  // session ends, whether the node is alive or not; and back, while it is.
  std::map<base::ProcessId, base::NodeId> node_of_peer;
  std::map<base::NodeId, base::ProcessId> peer_of_node;
  // Of sessions whose JoinNode is still to come.
  std::map<base::ProcessId, base::JoinPart> parts_of_peer;

  base::BootTime started;
  base::BootTime timer = base::BootTime::Never();
  std::uint64_t log_number = 0;
  bool is_disk_full = false;
  std::int64_t disk_free_bytes = 0;
};

// For answers, which do without the arguments of a constructor.
base::ActorRecord WithoutArgs(const base::ActorRecord& actor);

#ifdef MOBULA_PLANTS
}  // namespace planted
#endif
}  // namespace mobula::gcs

#endif  // MOBULA_GCS_CORE_CORE_STATE_H_
