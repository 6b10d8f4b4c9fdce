// RunStart is `mobula start` begins a node on this machine: a head with a
// control store, or a further node that joins one.
//
//   mobula start --head [--dir DIR]
//                [--listen unix:PATH|127.0.0.1:PORT|tls:HOST:PORT] ...
//   mobula start --address ADDR ...
// It returns when the node serves programs, which goes on in the background
// (raylet/spawn/keeper.h), or says why it does not and has left nothing.
// Threading: called by main, in a process with one thread.
// Failure: a sentence on stderr and exit code 1.
#ifndef MOBULA_CLI_NODES_START_H_
#define MOBULA_CLI_NODES_START_H_

#include <map>
#include <string>

#include "raylet/server/raylet_main.h"

namespace mobula::cli {

struct StartCommand {
  bool head = false;
  std::string address;     // of the control store to join
  std::string token_file;  // for it, where it is asked over TCP; to join by TLS
  std::string dir;         // of a head; "": the default
  std::string listen;      // of a head; "": a socket in the session's folder
  raylet::RayletOptions offers;
  std::map<std::string, std::string> labels;
  bool foreground = false;
  int patience_s = 30;
};

int RunStart(const StartCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_START_H_
