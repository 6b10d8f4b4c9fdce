#include "raylet/programs/program_sender.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>

#include "base/boot_time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/error_text.h"

namespace mobula::raylet {
namespace {

using base::Bytes;
using base::NodeId;

// Until a line that is full is looked at again.
constexpr base::Duration kLookAgainAfter = std::chrono::milliseconds(5);

// Up to the end of the file; what cannot be read is missing.
Bytes ReadPart(const base::UniqueFd& file, std::uint64_t offset,
               std::size_t size) {
  std::shared_ptr<char[]> block = std::make_unique_for_overwrite<char[]>(size);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(file.get(), block.get() + got, size - got,
                              static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  return Bytes::Share(block, std::string_view(block.get(), got));
}

}  // namespace

ProgramSender::ProgramSender(base::Strand& strand, ProgramStore& store,
                             Callbacks callbacks, Limits limits)
    : strand_(strand),
      store_(store),
      callbacks_(std::move(callbacks)),
      limits_(limits) {
  MOBULA_CHECK(callbacks_.tell && callbacks_.queued_bytes);
}

void ProgramSender::Serve(NodeId to, const std::string& hash) {
  strand_.AssertHeld();
  const Key key(to, hash);
  if (!going_.contains(key) && going_.size() >= limits_.at_once_max) {
    return TellLacking(key, "it sends " + std::to_string(going_.size()) +
                                " programs already; try again");
  }
  Going& going = going_[key];
  going = Going();
  going.number = ++numbers_;
  const std::weak_ptr<const bool> alive = alive_;
  store_.Open(hash, [this, alive, key,
                     number = going.number](ProgramStore::Opened opened) {
    if (alive.expired()) return;
    strand_.AssertHeld();
    Opened(key, number, std::move(opened));
  });
}

ProgramSender::Going* ProgramSender::Find(const Key& key,
                                          std::uint64_t number) {
  const auto found = going_.find(key);
  if (found == going_.end() || found->second.number != number) return nullptr;
  return &found->second;
}

void ProgramSender::Opened(const Key& key, std::uint64_t number,
                           ProgramStore::Opened opened) {
  Going* const going = Find(key, number);
  if (going == nullptr) return;
  if (!opened.program.valid()) return TellLacking(key, opened.reason);
  struct stat stat;
  if (::fstat(opened.program.get(), &stat) != 0) {
    return TellLacking(key, base::ErrorText());
  }
  going->program = std::move(opened.program);
  going->byte_count = static_cast<std::uint64_t>(stat.st_size);
  ContinueLater(key, number);
}

void ProgramSender::ContinueLater(const Key& key, std::uint64_t number) {
  const std::weak_ptr<const bool> alive = alive_;
  auto go_on = [this, alive, key, number] {
    if (alive.expired()) return;
    strand_.AssertHeld();
    Continue(key, number);
  };
  if (callbacks_.queued_bytes(key.first) < limits_.queued_bytes_max) {
    strand_.Post(std::move(go_on));
  } else {
    strand_.PostAt(strand_.Now() + kLookAgainAfter, std::move(go_on));
  }
}

void ProgramSender::Continue(const Key& key, std::uint64_t number) {
  Going* const going = Find(key, number);
  if (going == nullptr) return;
  if (callbacks_.queued_bytes(key.first) >= limits_.queued_bytes_max) {
    return ContinueLater(key, number);
  }
  base::ProgramPart part;
  part.program = key.second;
  part.offset = going->offset;
  part.byte_count = going->byte_count;
  const std::size_t size = std::min<std::uint64_t>(
      going->byte_count - going->offset, base::kPartBytesMax);
  part.bytes = ReadPart(going->program, going->offset, size);
  if (part.bytes.size() < size) {
    return TellLacking(key, "it could not be read to its end");
  }
  going->offset += size;
  if (going->offset < going->byte_count) {
    ContinueLater(key, number);
  } else {
    going_.erase(key);
  }
  callbacks_.tell(key.first, std::move(part));
}

void ProgramSender::TellLacking(const Key& key, std::string reason) {
  going_.erase(key);
  callbacks_.tell(key.first,
                  base::ProgramLacking{key.second, std::move(reason)});
}

void ProgramSender::CloseNode(NodeId node) {
  strand_.AssertHeld();
  std::erase_if(going_,
                [&](const auto& each) { return each.first.first == node; });
}

}  // namespace mobula::raylet
