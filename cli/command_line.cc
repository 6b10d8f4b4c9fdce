#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "base/control/control_address.h"
#include "base/control/records.h"
#include "base/scheduling/byte_amount.h"
#include "base/settings/log_settings.h"
#include "cli/tables/completion.h"
#include "cli/version.h"

namespace mobula::cli {
namespace {

constexpr int kWrongUsage = 2;
constexpr char kTokenFileVariable[] = "MOBULA_TOKEN_FILE";

std::vector<std::string> Listable() {
  return {"nodes", "jobs", "actors", "workers", "tasks", "objects"};
}
std::vector<std::string> Groups() { return {"owner", "job", "function"}; }
std::vector<std::string> TaskGroups() { return {"function", "state"}; }
std::vector<std::string> ClusterVerbs() {
  return {"up", "down", "status", "exec", "run", "logs", "add", "remove"};
}
std::vector<std::string> Shells() { return {"bash", "zsh", "fish"}; }

// CLI11's own say which doubles there are.
CLI::Validator FromZero() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        double number = 0;
        const bool is_number = CLI::detail::lexical_cast(text, number);
        return is_number && number >= 0 ? "" : text + " is no number from 0 on";
      },
      "0 or more");
}
CLI::Validator Processors() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        double number = 0;
        const bool is_number = CLI::detail::lexical_cast(text, number);
        if (!is_number || !(number >= 0)) {
          return text + " is no number from 0 on";
        }
        return number <= raylet::kCpusMax
                   ? ""
                   : text + " is too many: a node may offer " +
                         std::to_string(std::lround(raylet::kCpusMax)) +
                         " at most";
      },
      "0 or more");
}
CLI::Validator AboveZero() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        double number = 0;
        const bool is_number = CLI::detail::lexical_cast(text, number);
        return is_number && number > 0 ? "" : text + " is no number above 0";
      },
      "above 0");
}
CLI::Validator StoreAddress() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        std::string error;
        const auto address = base::ControlAddress::Parse(text, &error);
        return address.has_value() ? "" : error;
      },
      "");
}

// Each Add... declares the arguments of one command.

void AddResource(const std::string& text, raylet::RayletOptions* options) {
  const std::size_t equals = text.rfind('=');
  double quantity = 0;
  if (equals == 0 || equals == std::string::npos ||
      !CLI::detail::lexical_cast(text.substr(equals + 1), quantity) ||
      !(quantity >= 0)) {
    throw CLI::ValidationError("--resource", text + " is not NAME=QUANTITY");
  }
  const std::string name = text.substr(0, equals);
  if (name == "cpu" || name == "memory") {
    throw CLI::ValidationError(
        "--resource",
        text + ": --" + (name == "cpu" ? "cpus" : name) + " says that");
  }
  if (!options->resources.emplace(name, quantity).second) {
    throw CLI::ValidationError("--resource", name + " is given twice");
  }
}

void AddLabel(const std::string& text, StartCommand* command) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw CLI::ValidationError("--label", text + " is not KEY=VALUE");
  }
  if (text.starts_with(base::kOwnLabels)) {
    throw CLI::ValidationError(
        "--label", text + ": labels that begin so are Mobula's own");
  }
  command->labels[text.substr(0, equals)] = text.substr(equals + 1);
}

// `option` names it in the error.
base::ByteAmount AmountOf(const std::string& option, const std::string& text) {
  std::string error;
  const auto amount = base::ByteAmount::Parse(text, &error);
  if (!amount) throw CLI::ValidationError(option, error);
  return *amount;
}

// Of a process that may be at home elsewhere.
std::string WholePath(const std::string& option, const std::string& path) {
  std::error_code wrong;
  const std::filesystem::path whole = std::filesystem::absolute(path, wrong);
  if (path.empty() || wrong || path.find('\n') != std::string::npos) {
    throw CLI::ValidationError(option, "'" + path + "' is no folder");
  }
  return whole;
}

void AddMemory(CLI::App* app, raylet::RayletOptions* options) {
  app->add_option_function<std::string>(
      "--memory",
      [options](const std::string& text) {
        options->memory = AmountOf("--memory", text);
        if (!options->memory->is_zero()) return;
        throw CLI::ValidationError("--memory",
                                   "a node without any is of no "
                                   "use");
      },
      "memory to offer: 16GiB, or a share of what there is, 50%");
  app->add_option_function<std::string>(
      "--object-store-memory",
      [options](const std::string& text) {
        options->object_store = AmountOf("--object-store-memory", text);
      },
      "of large values: 2GiB, or a share of what is left, 30% (that); 0: they "
      "ride in messages");
  app->add_option_function<std::vector<std::string>>(
         "--spill-folder",
         [options](const std::vector<std::string>& all) {
           for (const std::string& one : all) {
             options->spill_folders.push_back(WholePath("--spill-folder", one));
           }
         },
         "where values go that have no room there, best on a disk of its own; "
         "repeats")
      ->take_all()
      ->expected(1);
}

void AddLog(CLI::App* app, base::LogSettings* log) {
  app->add_option_function<std::string>(
      "--log-level",
      [log](const std::string& text) {
        log->level = base::ParseLogLevel(text);
        if (log->level) return;
        throw CLI::ValidationError(
            "--log-level", text + " is not debug, info, warning or error");
      },
      "what is logged: from debug, info (that), warning or error on "
      "(MOBULA_LOG_LEVEL)");
  app->add_flag_callback(
      "--log-json", [log] { log->json = true; },
      "log one JSON object a line (MOBULA_LOG_JSON=1)");
}

// What a node offers.
void AddOffers(CLI::App* app, raylet::RayletOptions* options) {
  app->add_option("--cpus", options->cpus, "processors to offer")
      ->check(Processors());
  AddMemory(app, options);
  app->add_option_function<std::vector<std::string>>(
         "--resource",
         [options](const std::vector<std::string>& all) {
           for (const std::string& one : all) AddResource(one, options);
         },
         "NAME=QUANTITY to offer; repeats")
      ->take_all()
      ->expected(1);
  app->add_option("--workers-max", options->workers_max,
                  "worker processes at once, at most")
      ->check(CLI::Range(1, 100'000));
  AddLog(app, &options->log);
}

void AddRaylet(CLI::App* app, raylet::RayletOptions* options) {
  app->add_option("--driver-fd", options->driver_fd,
                  "descriptor of our end of the driver's socketpair")
      ->required();
  app->add_option("--program-fd", options->program_fd,
                  "descriptor of the program that workers execute")
      ->required();
  app->add_option("--control", options->control,
                  "of a control store to join, offering nothing")
      ->check(StoreAddress());
  app->add_option("--token-file", options->token_file,
                  "what that asks for over TCP (MOBULA_TOKEN_FILE)")
      ->envname(kTokenFileVariable);
  app->add_option("--join-patience", options->join_patience_ms,
                  "milliseconds after which it gives up joining (30000)")
      ->check(CLI::Range(1, 1'000'000'000));
  AddOffers(app, options);
}

void AddStart(CLI::App* app, StartCommand* command) {
  auto* const head =
      app->add_flag("--head", command->head,
                    "a node with a control store, for others to join");
  auto* const address =
      app->add_option("--address", command->address,
                      "of the control store to join: unix:PATH, HOST:PORT of "
                      "this machine, or tls:HOST:PORT")
          ->check(StoreAddress())
          ->excludes(head);
  app->add_option("--token-file", command->token_file,
                  "what a control store asks for over TCP, of another user's "
                  "session; over TLS a join token (mobula token create)")
      ->needs(address);
  app->add_option("--dir", command->dir,
                  "the head's durable state "
                  "(${XDG_STATE_HOME:-~/.local/state}/mobula/head)")
      ->needs(head);
  app->add_option("--listen", command->listen,
                  "where the control store listens: unix:PATH, "
                  "127.0.0.1:PORT (this machine alone), or tls:HOST:PORT "
                  "(for others, who prove who they are)")
      ->check(StoreAddress())
      ->needs(head);
  app->add_option("--node-listen", command->offers.node_listen,
                  "where the node waits for other nodes: tls:HOST:PORT, of a "
                  "cluster of several machines (the address of this machine "
                  "towards the head, any port)")
      ->check(StoreAddress());
  app->add_option_function<std::vector<std::string>>(
         "--label",
         [command](const std::vector<std::string>& all) {
           for (const std::string& one : all) AddLabel(one, command);
         },
         "KEY=VALUE of the node; repeats")
      ->take_all()
      ->expected(1);
  app->add_flag("--foreground", command->foreground,
                "stay, and end the node when this is ended");
  app->add_option("--patience", command->patience_s,
                  "seconds after which a start has failed (30)")
      ->check(CLI::Range(1, 3600));
  AddOffers(app, &command->offers);
  app->final_callback([command] {
    if (command->head || !command->address.empty()) return;
    throw CLI::ValidationError(
        "start", "say --head, or --address ADDR of the one to join");
  });
}

void AddStop(CLI::App* app, StopCommand* command) {
  auto* const all =
      app->add_flag("--all", command->all, "every node of yours here");
  app->add_option("NODE", command->node,
                  "its id or the beginning of it, its keeper's pid, or head")
      ->excludes(all);
}

void AddStore(CLI::App* app, StoreFlags* flags) {
  app->add_option("--address", flags->address,
                  "of the control store to ask (MOBULA_ADDRESS, else the node "
                  "that runs here)")
      ->check(StoreAddress());
  app->add_option("--token-file", flags->token_file,
                  "what it asks for over TCP (MOBULA_TOKEN_FILE)")
      ->envname(kTokenFileVariable);
}

void AddStatus(CLI::App* app, StatusCommand* command) {
  AddStore(app, &command->store);
  app->add_flag("--json", command->json, "as one JSON object");
}

// Those that only lists of tasks have.
std::vector<const CLI::Option*> AddTasks(CLI::App* app, ListCommand* command) {
  TaskSelection* const tasks = &command->tasks;
  return {
      app->add_option("--job", tasks->job,
                      "only tasks of this job: its id, or the beginning of it"),
      app->add_option("--limit", tasks->limit,
                      "how many tasks to show, what runs first (100)")
          ->check(FromZero()),
      app->add_option("--group-by", tasks->group_by,
                      "counts instead of tasks: by function or state")
          ->check(CLI::IsMember(TaskGroups())),
      app->add_option("--patience", tasks->patience_ms,
                      "milliseconds to wait for processes to say their tasks "
                      "(2000)")
          ->check(CLI::Range(10, 30'000)),
  };
}

void AddList(CLI::App* app, ListCommand* command) {
  AddStore(app, &command->store);
  app->add_option("WHAT", command->what,
                  "nodes, jobs, actors, workers, tasks or objects")
      ->required()
      ->check(CLI::IsMember(Listable()));
  app->add_flag("--all", command->all, "also what is dead or has ended");
  app->add_flag("--json", command->json, "as one JSON object");
  const std::vector<const CLI::Option*> of_tasks = AddTasks(app, command);
  app->final_callback([command, of_tasks] {
    if (command->what == "tasks") return;
    for (const CLI::Option* const option : of_tasks) {
      if (option->count() == 0) continue;
      throw CLI::ValidationError(option->get_name(),
                                 "is for tasks, not for " + command->what);
    }
  });
}

void AddGet(CLI::App* app, GetCommand* command) {
  AddStore(app, &command->store);
  app->add_option("WHICH", command->which,
                  "an id, the beginning of one, the name of an actor, or the "
                  "pid of a worker")
      ->required();
  app->add_option("--namespace", command->ns, "of the actor's name (default)");
  app->add_flag("--json", command->json, "as one JSON object");
}

void AddMemoryCommand(CLI::App* app, MemoryCommand* command) {
  AddStore(app, &command->store);
  app->add_option("--job", command->selection.job,
                  "only what is of this job: its id, or the beginning of it");
  app->add_option("--limit", command->selection.limit,
                  "how many objects to show, the largest (100)")
      ->check(FromZero());
  app->add_option("--group-by", command->selection.group_by,
                  "sums instead of objects: by owner, job or function")
      ->check(CLI::IsMember(Groups()));
  app->add_option("--patience", command->patience_ms,
                  "milliseconds to wait for processes to answer (2000)")
      ->check(CLI::Range(10, 30'000));
  app->add_flag("--json", command->json, "as one JSON object");
}

void AddLogs(CLI::App* app, LogsCommand* command) {
  AddStore(app, &command->store);
  app->add_option("WHICH", command->which,
                  "gcs, raylet, keeper, the pid of a worker, or the name or id "
                  "of an actor; all where nothing is said");
  app->add_flag("-f,--follow", command->follow, "go on with what is added");
  app->add_option("-n,--lines", command->lines, "how many of the last (100)")
      ->check(FromZero());
  app->add_option("--node", command->node, "where several run here");
  app->add_option("--namespace", command->ns, "of the actor's name (default)");
}

void AddStack(CLI::App* app, StackCommand* command) {
  app->add_option("PID", command->pid, "of a worker or a daemon")
      ->required()
      ->check(AboveZero());
}

void AddKill(CLI::App* app, KillCommand* command) {
  AddStore(app, &command->store);
  app->add_option("TARGET", command->target,
                  "actor:NAME, the id of an actor or job, or a worker's pid")
      ->required();
  app->add_flag("--restart", command->restart,
                "let the actor's restarts apply");
  app->add_option("--namespace", command->ns, "of the actor's name (default)");
}

void AddToken(CLI::App* app, TokenCommand* command) {
  AddStore(app, &command->store);
  app->add_option("WHAT", command->what, "create: makes one")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>{"create"}));
  app->add_option_function<std::string>(
      "--ttl",
      [command](const std::string& text) {
        const auto seconds = ParseSeconds(text);
        constexpr std::int64_t kDayS = 24 * 3600;
        if (!seconds || *seconds > kDayS) {
          throw CLI::ValidationError("--ttl", text +
                                                  " is no time up to 24h: "
                                                  "90s, 30m, 1h");
        }
        command->lives_s = *seconds;
      },
      "how long it can be used (1h)");
  app->add_option("--uses", command->uses,
                  "how many machines may join by it (1)")
      ->check(CLI::Range(1, 1000));
  auto* const out = app->add_option(
      "--out", command->out,
      "the file to write (a new one in ~/.local/state/mobula/tokens)");
  app->add_flag("--show", command->show,
                "print the token itself: whoever reads it can join")
      ->excludes(out);
}

// One verb of the launcher's.
CLI::App* AddVerb(CLI::App* app, ClusterCommand* command,
                  const std::string& verb, const std::string& description) {
  CLI::App* const added = app->add_subcommand(verb, description);
  added->callback([command, verb] { command->verb = verb; });
  if (verb == "up") return added;
  added->add_option("--cluster", command->cluster,
                    "its name, where there are several");
  return added;
}

void AddForget(CLI::App* app, ClusterCommand* command) {
  app->add_flag("--forget", command->forget,
                "what cannot be reached stays where it is, and is not known "
                "any more");
}

void AddCluster(CLI::App* app, ClusterCommand* command) {
  app->require_subcommand(1);
  AddVerb(app, command, "up",
          "makes what a file says, or what is missing of it")
      ->add_option("FILE", command->file, "the cluster, in YAML")
      ->required();
  AddForget(AddVerb(app, command, "down", "ends it and removes all of it"),
            command);
  AddVerb(app, command, "status", "its nodes, and what it does");
  CLI::App* const exec = AddVerb(
      app, command, "exec", "runs a command on a node: exec NODE -- CMD ...");
  exec->add_option("NODE", command->node, "its name")->required();
  exec->add_option("CMD", command->command, "behind --, with its arguments")
      ->required();
  AddVerb(app, command, "run",
          "copies a program to the head and runs it there: run -- PROGRAM ...")
      ->add_option("PROGRAM", command->command, "behind --, with its arguments")
      ->required();
  CLI::App* const logs = AddVerb(app, command, "logs", "what its nodes wrote");
  logs->add_option("NODE", command->node, "all where none is named");
  logs->add_flag("-f,--follow", command->follow, "go on with what is added");
  logs->add_option("-n,--lines", command->lines, "how many of the last (100)")
      ->check(FromZero());
  CLI::App* const add =
      AddVerb(app, command, "add", "more nodes than the file counts");
  add->add_option("N", command->count, "how many")
      ->required()
      ->check(CLI::Range(1, 1000));
  add->add_option("TYPE", command->type, "of the file's workers");
  CLI::App* const remove =
      AddVerb(app, command, "remove", "ends a node and removes all of it");
  remove->add_option("NODE", command->node, "its name")->required();
  AddForget(remove, command);
}

void AddReport(CLI::App* app, ReportCommand* command) {
  app->group("");  // not for people
  AddStore(app, &command->store);
  app->add_option("--node", command->node)->required();
  app->add_option("--cause", command->cause)->required();
}

void AddGcs(CLI::App* app, gcs::GcsOptions* options) {
  app->add_option("--dir", options->dir, "folder of what it must not forget")
      ->required();
  app->add_option("--listen", options->listen,
                  "unix:PATH, 127.0.0.1:PORT or tls:HOST:PORT; repeats")
      ->take_all()
      ->expected(1);
  app->add_option("--serve-fd", options->serve_fd,
                  "descriptor of a connected socket to serve");
  app->add_option("--ready-fd", options->ready_fd,
                  "descriptor that is told when it serves");
  app->add_option("--token-file", options->token_file,
                  "what it asks for over TCP");
  app->add_option("--log-file", options->log_file,
                  "file for what it does (stderr)");
  app->add_option("--disk-reserve", options->reserve_bytes,
                  "bytes of the disk that it leaves free");
  AddLog(app, &options->log);
}

void AddVersion(CLI::App* app, VersionCommand* command) {
  app->add_flag("--json", command->json, "as one JSON object");
}

void AddDoctor(CLI::App* app, DoctorCommand* command) {
  app->add_flag("--json", command->json, "as one JSON object");
  auto* const clean = app->add_flag(
      "--clean", command->clean, "end and remove what crashed programs left");
  app->add_flag("--security", command->security,
                "instead: each listener, the modes of folders and sockets, "
                "keys, certificates and tokens; exit code 1 if one is wrong")
      ->excludes(clean);
}

// All commands, and which of them was given.
class Line {
 public:
  Line() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("mobula ") + kVersion);
  }
  CLI::App& app() { return app_; }

  template <class OneCommand>
  void Add(const std::string& name, const std::string& description,
           void (*add)(CLI::App*, OneCommand*)) {
    auto command = std::make_shared<OneCommand>();
    CLI::App* const app = app_.add_subcommand(name, description);
    add(app, command.get());
    entries_.push_back({app, [command] { return Command(*command); }});
  }

  // It prints a script that knows all that has been added.
  void AddCompletion() {
    CLI::App* const app = app_.add_subcommand(
        "completion", "a script by which a shell completes commands");
    app->footer(
        "To load it:\n"
        "  source <(mobula completion bash)    # or zsh, behind compinit\n"
        "  mobula completion fish | source\n"
        "In ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish it holds for "
        "each shell.");
    auto shell = std::make_shared<std::string>();
    app->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember(Shells()));
    entries_.push_back(
        {app, [this, shell] { return Leave{0, Completion(*shell, Words())}; }});
  }

  [[nodiscard]] bool Has(const std::string& name) const {
    return std::any_of(
        entries_.begin(), entries_.end(),
        [&name](const Entry& one) { return one.app->get_name() == name; });
  }
  [[nodiscard]] Command Take() const {
    for (const Entry& entry : entries_) {
      if (entry.app->parsed()) return entry.take();
    }
    return Leave{kWrongUsage, app_.help()};
  }

 private:
  struct Entry {
    CLI::App* app;
    std::function<Command()> take;
  };

  // Those for people.
  [[nodiscard]] std::vector<CommandWords> Words() const {
    std::vector<CommandWords> all;
    for (const Entry& entry : entries_) {
      if (entry.app->get_group().empty()) continue;
      CommandWords words{
          entry.app->get_name(), entry.app->get_description(), {}, {}};
      if (words.name == "list") words.values = Listable();
      if (words.name == "cluster") words.values = ClusterVerbs();
      if (words.name == "completion") words.values = Shells();
      for (const CLI::Option* option : entry.app->get_options()) {
        for (const std::string& name : option->get_lnames()) {
          words.options.push_back("--" + name);
        }
      }
      all.push_back(std::move(words));
    }
    return all;
  }

  CLI::App app_{"mobula: remote functions and actors for C++ programs",
                "mobula"};
  std::vector<Entry> entries_;
};

void AddCommands(Line& line) {
  line.Add("start", "begins a node on this machine", AddStart);
  line.Add("stop", "ends nodes that were started here", AddStop);
  line.Add("status", "what the cluster has, in a few lines", AddStatus);
  line.Add("list", "nodes, jobs, actors, workers, tasks or objects", AddList);
  line.Add("get", "all that is known of one of them", AddGet);
  line.Add("memory", "objects, who holds them and why, and cycles",
           AddMemoryCommand);
  line.Add("logs", "what a node on this machine wrote", AddLogs);
  line.Add("kill", "ends an actor, a job or a worker", AddKill);
  line.Add("stack", "where the threads of a worker or daemon are", AddStack);
  line.Add("token", "by what other machines join the cluster", AddToken);
  line.Add("cluster", "makes, uses and removes a cluster of many nodes",
           AddCluster);
  line.Add("doctor", "what this machine lacks, and what crashed programs left",
           AddDoctor);
  line.Add("version", "the version of this program", AddVersion);
  line.Add("gcs", "the control store; started by `mobula start`", AddGcs);
  line.Add("raylet",
           "the agent of one node; started by programs, not by people",
           AddRaylet);
  line.Add("report-node-dead", "", AddReport);
  line.AddCompletion();
}

}  // namespace

Command ParseCommandLine(int argc, const char* const* argv) {
  Line line;
  AddCommands(line);
  if (argc < 2) return Leave{kWrongUsage, line.app().help()};
  // CLI11 would only ask for a subcommand.
  const std::string first = argv[1];
  if (!first.starts_with("-") && !line.Has(first)) {
    return Leave{kWrongUsage, "mobula: there is no command " + first + "\n" +
                                  line.app().help()};
  }
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    const bool asked = line.app().exit(error, text, text) == 0;
    if (asked) return Leave{0, text.str()};
    return Leave{kWrongUsage, "mobula: " + text.str()};
  }
  return line.Take();
}

}  // namespace mobula::cli
