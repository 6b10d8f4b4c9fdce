// Where spilled values go where nobody says, and whether a folder takes them.
//
// The default is the first of the session's folder, /var/tmp and /tmp that is
// on a disk: what is spilled into a tmpfs stays in memory, beyond the store's
// cap. Where all of them are in memory nothing is spilled, and a store that is
// full makes its writers wait.
// Threading: any.
// Failure: a sentence that names the folder.
#ifndef MOBULA_RAYLET_ARENAS_SPILL_FOLDERS_H_
#define MOBULA_RAYLET_ARENAS_SPILL_FOLDERS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace mobula::raylet {

// Whether it is, or would be made, in a file system that has no disk.
bool LiesInMemory(const std::string& folder);

// Of all of these the first that lies on a disk and takes a file, or none. The
// first may be absent yet.
std::vector<std::string> ChooseSpillFolder(
    const std::vector<std::string>& candidates);
std::vector<std::string> DefaultSpillFolders(const std::string& session_folder);

// Why no file can be made there, "" if one can.
std::string WrongWithSpillFolder(const std::string& folder);
// Of those that somebody named. A node asks this when it is started; a raylet
// that is started again serves without its disk until that is back.
std::string WrongWithSpillFolders(const std::vector<std::string>& folders);

// What is left there for this user; 0 where that cannot be said.
std::uint64_t RoomInSpillFolder(const std::string& folder);

// Removes the files that a raylet had not unlinked yet when it was killed: only
// where the file system has no files without names. Those of one that lives
// lose nothing by it.
void SweepSpillFolder(const std::string& folder);

}  // namespace mobula::raylet

#endif  // MOBULA_RAYLET_ARENAS_SPILL_FOLDERS_H_
