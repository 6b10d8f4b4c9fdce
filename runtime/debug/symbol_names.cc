#include "runtime/debug/symbol_names.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"

namespace mobula::runtime {
namespace {

struct Symbol {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::string name;
};
using Symbols = std::vector<Symbol>;  // by where they begin

// A file that is mapped while it is read.
class MappedFile {
 public:
  explicit MappedFile(const char* path) {
    const base::UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    struct stat file{};
    if (!fd.valid() || ::fstat(fd.get(), &file) != 0 || file.st_size <= 0) {
      return;
    }
    size_ = static_cast<std::size_t>(file.st_size);
    void* const at =
        ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (at != MAP_FAILED) begin_ = static_cast<const char*>(at);
  }
  ~MappedFile() {
    if (begin_ != nullptr) ::munmap(const_cast<char*>(begin_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Null where that is not inside of it.
  template <class T>
  [[nodiscard]] const T* At(std::uint64_t offset, std::uint64_t count) const {
    if (begin_ == nullptr || offset > size_ ||
        count > (size_ - offset) / sizeof(T)) {
      return nullptr;
    }
    return reinterpret_cast<const T*>(begin_ + offset);
  }

 private:
  const char* begin_ = nullptr;
  std::size_t size_ = 0;
};

void ReadTable(const MappedFile& file, const Elf64_Shdr& table,
               const Elf64_Shdr& texts, Symbols& symbols) {
  const std::uint64_t count = table.sh_size / sizeof(Elf64_Sym);
  const auto* const entries = file.At<Elf64_Sym>(table.sh_offset, count);
  const char* const names = file.At<char>(texts.sh_offset, texts.sh_size);
  if (entries == nullptr || names == nullptr) return;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Elf64_Sym& entry = entries[i];
    if (ELF64_ST_TYPE(entry.st_info) != STT_FUNC || entry.st_value == 0) {
      continue;
    }
    if (entry.st_name >= texts.sh_size) continue;
    const char* const name = names + entry.st_name;
    const std::size_t length = ::strnlen(name, texts.sh_size - entry.st_name);
    symbols.push_back({entry.st_value, entry.st_size, {name, length}});
  }
}

Symbols ReadSymbols(const char* path) {
  Symbols symbols;
  const MappedFile file(path);
  const auto* const head = file.At<Elf64_Ehdr>(0, 1);
  if (head == nullptr || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
      head->e_ident[EI_CLASS] != ELFCLASS64) {
    return symbols;
  }
  const auto* const sections =
      file.At<Elf64_Shdr>(head->e_shoff, head->e_shnum);
  if (sections == nullptr) return symbols;
  for (int i = 0; i < head->e_shnum; ++i) {
    const Elf64_Shdr& section = sections[i];
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) {
      continue;
    }
    if (section.sh_link >= head->e_shnum) continue;
    ReadTable(file, section, sections[section.sh_link], symbols);
  }
  std::sort(symbols.begin(), symbols.end(),
            [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; });
  return symbols;
}

struct Module {
  std::string path;
  std::uint64_t base = 0;
};

std::optional<Module> ModuleOf(const void* address) {
  Dl_info info{};
  link_map* map = nullptr;
  if (::dladdr1(address, &info, reinterpret_cast<void**>(&map),
                RTLD_DL_LINKMAP) == 0) {
    return std::nullopt;
  }
  Module module;
  // The program's own name may be relative to where it began.
  const bool is_program = map == nullptr || *map->l_name == '\0';
  module.path = is_program ? "/proc/self/exe" : info.dli_fname;
  module.base = map == nullptr ? 0 : map->l_addr;
  return module;
}

struct Tables {
  base::Mutex mutex;
  std::map<std::string, Symbols> of_module MOBULA_GUARDED_BY(mutex);
};

// Never destroyed: the last report may come late.
Tables& TheTables() {
  static auto* const tables = new Tables;
  return *tables;
}

// "": none is known.
std::string SymbolAt(const Module& module, std::uint64_t offset) {
  Tables& tables = TheTables();
  base::MutexLock lock(tables.mutex);
  const auto [found, is_new] = tables.of_module.try_emplace(module.path);
  if (is_new) found->second = ReadSymbols(module.path.c_str());
  const Symbols& symbols = found->second;
  auto after = std::upper_bound(
      symbols.begin(), symbols.end(), offset,
      [](std::uint64_t at, const Symbol& symbol) { return at < symbol.begin; });
  if (after == symbols.begin()) return "";
  const Symbol& symbol = *--after;
  const std::uint64_t size = std::max<std::uint64_t>(symbol.size, 1);
  return offset - symbol.begin < size ? symbol.name : "";
}

std::string Demangled(const std::string& symbol) {
  int status = -1;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
      &std::free);
  return status == 0 && text != nullptr ? text.get() : symbol;
}

std::string Offset(const Module& module, std::uint64_t offset) {
  char text[32];
  std::snprintf(text, sizeof text, "+0x%llx",
                static_cast<unsigned long long>(offset));
  return module.path + text;
}

}  // namespace

std::string NameOfFunction(const void* address) {
  const auto module = ModuleOf(address);
  if (!module) return "?";
  const std::uint64_t offset =
      reinterpret_cast<std::uint64_t>(address) - module->base;
  const std::string symbol = SymbolAt(*module, offset);
  if (symbol.empty()) return Offset(*module, offset);
  return CoroutineOfSymbol(symbol);
}

const void* ResumeOf(const void* frame) {
  const void* resume = nullptr;
  std::memcpy(&resume, frame, sizeof resume);
  return resume;
}

std::string NameOfCoroutine(const void* resume) {
  return resume == nullptr ? "a coroutine" : NameOfFunction(resume);
}

std::string CoroutineOfSymbol(std::string_view symbol) {
  for (const std::string_view suffix : {".resume", ".destroy", ".cleanup"}) {
    if (!symbol.ends_with(suffix)) continue;
    symbol.remove_suffix(suffix.size());
    break;
  }
  // GCC: the function's own symbol is the name of the frame's type.
  const std::size_t frame = symbol.rfind(".Frame");
  if (frame != std::string_view::npos) {
    const std::size_t begin = symbol.rfind("_Z", frame);
    if (begin != std::string_view::npos) {
      symbol = symbol.substr(begin, frame - begin);
    }
  }
  return Demangled(std::string(symbol));
}

}  // namespace mobula::runtime
