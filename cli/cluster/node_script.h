// The shell scripts that the launcher runs on a node, by whichever way it gets
// there (node_command.h): all that is done there stands here. What varies comes
// as arguments ($1, $2 ...), never within the text; what is secret comes on the
// standard input, since anybody on a machine can read arguments.
//
// A node has one folder, 0700, and nothing outside it but processes, each of
// which has kClusterMark in its environment:
//   FOLDER/bin       mobula, mobula-gcs
//   FOLDER/env       what each script reads before it starts anything (0600)
//   FOLDER/files     the files of the cluster's file; where commands begin
//   FOLDER/run       XDG_RUNTIME_DIR: the node's session
//   FOLDER/state     XDG_STATE_HOME: its credentials
//   FOLDER/head      what a head does not forget
//   FOLDER/programs  drivers, by their hash
//   FOLDER/drivers   pids of those that run
// Only MakeFolder makes the folder, so that nothing comes back after
// RemoveNode, whatever was still on its way.
// Threading: pure functions.
#ifndef MOBULA_CLI_CLUSTER_NODE_SCRIPT_H_
#define MOBULA_CLI_CLUSTER_NODE_SCRIPT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cluster/cluster_spec.h"
#include "cli/cluster/cluster_state.h"

namespace mobula::cli {

struct Script {
  std::string text;                    // for /bin/sh
  std::vector<std::string> arguments;  // the node's folder first
};

// `word` as one word of a shell's.
std::string ShellWord(std::string_view word);

// "MOBULA_CLUSTER_NODE=ID/NODE".
std::string MarkOf(const ClusterState& cluster, const std::string& node);

Script MakeFolder(const NodeRecord& node);
// What comes on the standard input becomes this file of the folder's, whole or
// not at all.
Script PutFile(const NodeRecord& node, const std::string& name,
               const std::string& mode);
// What FOLDER/env says.
std::string EnvironmentText(const ClusterState& cluster, const NodeRecord& node,
                            const ClusterSpec& spec);
// Uses the mobula that is there already, and prints its version.
Script LinkMobula(const NodeRecord& node, const std::string& path);
// Prints the version of what is in FOLDER/bin.
Script AskVersion(const NodeRecord& node);
// A tar file on the standard input, in which `base` lies, becomes files/TO.
Script UnpackFile(const NodeRecord& node, const std::string& base,
                  const std::string& to);
// Runs the file FOLDER/setup, in files/.
Script RunSetup(const NodeRecord& node);

// `mobula start` of it. `address` is where a head listens, or what others join;
// with `with_token` by the token in FOLDER/token, which is gone then.
Script StartNode(const NodeRecord& node, const NodeType& type,
                 const std::string& address, bool with_token);
// Prints a token by which one node joins this head.
Script MakeToken(const NodeRecord& head);
// Prints "up PID", "down" or "absent".
Script FindNode(const NodeRecord& node);

// Ends the node, in order where that is possible, and whatever else carries
// its mark.
Script EndNode(const NodeRecord& node, const std::string& mark);
// That, and its folder is gone.
Script RemoveNode(const NodeRecord& node, const std::string& mark);

// Exit code 0 if FOLDER/programs/HASH/NAME is there.
Script HasProgram(const NodeRecord& node, const std::string& hash,
                  const std::string& name);
// The standard input becomes that, if it has the hash.
Script PutProgram(const NodeRecord& node, const std::string& hash,
                  const std::string& name);
// A command in files/, with the node's environment; SignalCommand finds it by
// `id`. A command that is ended by a signal is told by 128 + its number where
// `tells_signal`: for ways that would not bring it (ssh).
Script RunCommandLine(const NodeRecord& node, const std::string& id,
                      const std::vector<std::string>& command,
                      bool tells_signal);
Script SignalCommand(const NodeRecord& node, const std::string& id,
                     const std::string& signal);
// `mobula WORDS...` there.
Script RunTool(const NodeRecord& node, const std::vector<std::string>& words);
// The words of a command for RunCommandLine: what the node wrote.
std::vector<std::string> LogsCommandLine(int lines, bool follow);
// The command has ended.
Script ForgetCommand(const NodeRecord& node, const std::string& id);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_CLUSTER_NODE_SCRIPT_H_
