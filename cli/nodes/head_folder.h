// HeadFolder is the folder in which a head keeps what it must not forget: the
// control store's log, the programs of detached actors, the token for TCP.
//
//   DIR/keeper     locked by the keeper, names it
//   DIR/token      what is asked for over TCP
//   DIR/...        the control store's (gcs/server)
// One keeper holds it at a time; the lock is the descriptor's, and goes on in
// those that were forked with it.
// Threading: one thread.
// Failure: a sentence, which names the holder where there is one.
#ifndef MOBULA_CLI_NODES_HEAD_FOLDER_H_
#define MOBULA_CLI_NODES_HEAD_FOLDER_H_

#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace mobula::cli {

class HeadFolder {
 public:
  // ${XDG_STATE_HOME:-$HOME/.local/state}/mobula/head; "" without a home.
  static std::string DefaultPath();

  // What makes a folder that is there unfit to be one, "" if nothing.
  static std::string WrongWith(const std::string& path);

  // Makes it (0700) where it is absent, and locks it.
  static std::optional<HeadFolder> Open(const std::string& path,
                                        std::string* error);

  [[nodiscard]] const std::string& path() const { return path_; }
  // Says who holds it, for whoever is refused.
  void NameHolder(const std::string& holder) const;
  // The path of the file with the token, which is made where it is absent; ""
  // and a sentence if it cannot be.
  [[nodiscard]] std::string TokenFile(std::string* error) const;

 private:
  HeadFolder() = default;

  std::string path_;
  base::UniqueFd lock_;
};

}  // namespace mobula::cli

#endif  // MOBULA_CLI_NODES_HEAD_FOLDER_H_
