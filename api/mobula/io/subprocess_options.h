// SubprocessOptions says how a program is started.
//
//   mobula::SubprocessOptions().Folder("/tmp").Env("LANG", "C").Input(text)
//
// Threading: a value.
#ifndef MOBULA_API_MOBULA_IO_SUBPROCESS_OPTIONS_H_
#define MOBULA_API_MOBULA_IO_SUBPROCESS_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "api/mobula/timeout.h"

namespace mobula {

// What one of the three descriptors of a program is.
enum class ProgramStream : std::uint8_t {
  kNull,     // /dev/null
  kPipe,     // to or from us
  kInherit,  // ours
  kOutput,   // of stderr only: where stdout goes
};

class SubprocessOptions {
 public:
  SubprocessOptions() = default;

  // Where it runs; a path of a program that is not absolute counts from there.
  // Default: where we are.
  SubprocessOptions& Folder(std::string path) {
    values_.folder = std::move(path);
    return *this;
  }
  // One more variable of its environment, which is otherwise ours.
  SubprocessOptions& Env(std::string name, std::string value) {
    values_.environment[std::move(name)] = std::move(value);
    return *this;
  }
  // Nothing of our environment, but what Env says.
  SubprocessOptions& ClearEnv(bool clear = true) {
    values_.clear_environment = clear;
    return *this;
  }

  // What it reads, to the end. Of Subprocess::Run.
  SubprocessOptions& Input(std::string bytes) {
    values_.input = std::move(bytes);
    return *this;
  }
  // Default: null.
  SubprocessOptions& StdIn(ProgramStream stream) {
    values_.std_in = stream;
    return *this;
  }
  // Default: pipe.
  SubprocessOptions& StdOut(ProgramStream stream) {
    values_.std_out = stream;
    return *this;
  }
  // Default: pipe.
  SubprocessOptions& StdErr(ProgramStream stream) {
    values_.std_err = stream;
    return *this;
  }
  // Of each of stdout and stderr Run keeps so many bytes, reads what comes
  // after them and drops it. Default 1 MiB.
  SubprocessOptions& OutputMax(std::size_t bytes) {
    values_.output_max = bytes;
    return *this;
  }
  // Between SIGTERM and SIGKILL where Run is stopped. Default 2 s.
  SubprocessOptions& Grace(Timeout grace) {
    values_.grace = grace;
    return *this;
  }

  struct Values {
    std::string folder;
    std::map<std::string, std::string> environment;
    bool clear_environment = false;
    std::optional<std::string> input;
    ProgramStream std_in = ProgramStream::kNull;
    ProgramStream std_out = ProgramStream::kPipe;
    ProgramStream std_err = ProgramStream::kPipe;
    std::size_t output_max = std::size_t{1} << 20;
    Timeout grace = std::chrono::seconds(2);
  };
  [[nodiscard]] const Values& values() const { return values_; }

 private:
  Values values_;
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_IO_SUBPROCESS_OPTIONS_H_
