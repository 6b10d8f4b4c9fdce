// RunStack prints what every thread of a process of ours is at: a worker, or a
// daemon of a node of this user on this machine.
//
//   mobula stack PID
// By eu-stack or gdb, whichever is installed.
// Threading: called by main.
// Failure: a sentence on stderr and exit code 1: not a process of ours, no
// such program, or the kernel does not let us look.
#ifndef MOBULA_CLI_TOOLS_STACK_H_
#define MOBULA_CLI_TOOLS_STACK_H_

namespace mobula::cli {

struct StackCommand {
  int pid = 0;
};

int RunStack(const StackCommand& command);

}  // namespace mobula::cli

#endif  // MOBULA_CLI_TOOLS_STACK_H_
