#include "api/mobula/detail/function_key.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace mobula::detail {
namespace {

constexpr std::uint64_t kFnvPrime = 0x100000001B3;

// MurmurHash3's finaliser.
std::uint64_t Mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xFF51AFD7ED558CCD;
  x ^= x >> 33;
  x *= 0xC4CEB9FE1A85EC53;
  return x ^ (x >> 33);
}

std::uint64_t Fnv(std::string_view bytes, std::uint64_t hash) {
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  }
  return hash;
}

std::string Hex(std::span<const unsigned char> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// Reads a mangled name (Itanium C++ ABI 5.1) as far as needed to tell where its
// identifiers are, so that their letters are not taken for marks.
class NameScanner {
 public:
  explicit NameScanner(std::string_view name) : name_(name) {}

  bool HasLocalName() {
    while (at_ < name_.size()) {
      if (StepIsLocal()) return true;
    }
    return false;
  }

 private:
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }
  [[nodiscard]] char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < name_.size() ? name_[at_ + ahead] : '\0';
  }
  void SkipDigits() {
    while (IsDigit(Peek())) ++at_;
  }

  bool StepIsLocal() {
    const char c = Peek();
    if (IsDigit(c)) return IdentifierIsLocal();
    ++at_;
    switch (c) {
      case 'U':  // Ul: lambda, Ut: unnamed type
        return Peek() == 'l' || Peek() == 't';
      case 'L':
        return LiteralIsLocal();
      case 'S':  // S_ S0_ ... : said before; St, Sa ...: of namespace std
        if (Peek() >= 'a' && Peek() <= 'z') {
          ++at_;
        } else {
          SkipSequence();
        }
        return false;
      case 'T':
      case '_':  // T0_; the number of a local entity
        SkipDigits();
        return false;
      case 'A':  // A10_: array type
        SkipDigits();
        return false;
      case 'C':
      case 'D':  // C1, D2: constructors, destructors; Dv4_: vector types
        if (IsDigit(Peek())) ++at_;
        return Peek() == 'v' && c == 'D';
      case 'f':  // fp0_, fL0p_: function parameters in expressions
        return Peek() == 'p' || Peek() == 'L';
      default:
        return false;
    }
  }

  void SkipSequence() {
    while (IsDigit(Peek()) || (Peek() >= 'A' && Peek() <= 'Z')) ++at_;
  }

  // <length><characters>
  bool IdentifierIsLocal() {
    std::size_t length = 0;
    while (IsDigit(Peek()) && length < name_.size()) {
      length = length * 10 + static_cast<std::size_t>(Peek() - '0');
      ++at_;
    }
    if (length == 0 || length > name_.size() - at_) return true;
    const std::string_view identifier = name_.substr(at_, length);
    at_ += length;
    // "$_0": how clang names lambdas and unnamed types of one file.
    return identifier.starts_with("_GLOBAL__N_") ||
           identifier.find('$') != identifier.npos;
  }

  // After 'L': _Z<function>E, <type><value>E, or the mark of internal linkage
  // before an identifier.
  bool LiteralIsLocal() {
    const char c = Peek();
    if (c == '_' && Peek(1) == 'Z') {
      at_ += 2;
      return Peek() == 'L';
    }
    if (IsDigit(c)) {
      if (IdentifierIsLocal()) return true;
      // A value that ends here was that of an enumeration; if not, the
      // identifier has internal linkage.
      if (Peek() == 'n') ++at_;
      if (!IsDigit(Peek())) return true;
      SkipDigits();
      return Peek() != 'E';
    }
    if (c < 'a' || c > 'z') return LiteralOfNamedTypeIsLocal();
    while (at_ < name_.size() && Peek() != 'E') ++at_;
    return false;
  }

  // A value of an enumeration that is not at global scope: LN2ns4KindE0E, or
  // LS0_0E: skipped if it is as simple as these.
  bool LiteralOfNamedTypeIsLocal() {
    if (Peek() == 'N') {
      ++at_;
      while (IsDigit(Peek()) || Peek() == 'S') {
        if (IsDigit(Peek())) {
          if (IdentifierIsLocal()) return true;
        } else if (SkipSubstitution(); at_ >= name_.size()) {
          return true;
        }
      }
      if (Peek() != 'E') return true;
      ++at_;
    } else if (Peek() == 'S') {
      SkipSubstitution();
    } else {
      return true;
    }
    if (Peek() == 'n') ++at_;
    if (!IsDigit(Peek())) return true;
    SkipDigits();
    return Peek() != 'E';
  }

  void SkipSubstitution() {
    ++at_;
    if (Peek() >= 'a' && Peek() <= 'z') {
      ++at_;
      return;
    }
    SkipSequence();
    if (Peek() == '_') ++at_;
  }

  std::string_view name_;
  std::size_t at_ = 0;
};

// The module in which `place` lies.
struct Module {
  std::uintptr_t place = 0;
  bool found = false;
  std::uintptr_t base = 0;
  std::string file;
  std::string build_id;  // hex
};

std::span<const unsigned char> Segment(const dl_phdr_info& info,
                                       const ElfW(Phdr) & header) {
  return {
      reinterpret_cast<const unsigned char*>(info.dlpi_addr + header.p_vaddr),
      header.p_memsz};
}

int VisitModule(dl_phdr_info* info, std::size_t, void* data) {
  Module& module = *static_cast<Module*>(data);
  const std::span headers(info->dlpi_phdr, info->dlpi_phnum);
  for (const ElfW(Phdr) & header : headers) {
    const std::uintptr_t start = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && module.place >= start &&
        module.place < start + header.p_memsz) {
      module.found = true;
    }
  }
  if (!module.found) return 0;
  module.base = info->dlpi_addr;
  module.file = info->dlpi_name;
  for (const ElfW(Phdr) & header : headers) {
    if (header.p_type != PT_NOTE || !module.build_id.empty()) continue;
    module.build_id = Hex(FindBuildId(Segment(*info, header), header.p_align));
  }
  return 1;
}

// A hash of what the file holds; the program itself has no name here.
std::string HashFile(const std::string& name) {
  std::FILE* file =
      std::fopen(name.empty() ? "/proc/self/exe" : name.c_str(), "rbe");
  MOBULA_CHECK(file != nullptr, "a loaded module cannot be read")
      << " " << name;
  std::uint64_t hash = 0xCBF29CE484222325;
  std::string block(1 << 16, '\0');
  std::size_t size = 0;
  while ((size = std::fread(block.data(), 1, block.size(), file)) > 0) {
    hash = Fnv(std::string_view(block.data(), size), hash);
  }
  std::fclose(file);
  char text[32];
  std::snprintf(text, sizeof(text), "file:%016llx",
                static_cast<unsigned long long>(Mix(hash)));
  return text;
}

std::size_t RoundUp(std::size_t size, std::size_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

}  // namespace

bool HasLocalName(std::string_view mangled) {
  return NameScanner(mangled).HasLocalName();
}

std::span<const unsigned char> FindBuildId(std::span<const unsigned char> notes,
                                           std::size_t alignment) {
  if (alignment != 8) alignment = 4;
  std::size_t at = 0;
  while (notes.size() - at >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data() + at, sizeof(header));
    const std::size_t name = at + sizeof(header);
    // Rounded from where the note begins: mold puts notes of 8-byte alignment
    // and the build id into one segment.
    const std::size_t description =
        at + RoundUp(sizeof(header) + header.n_namesz, alignment);
    if (description > notes.size() ||
        header.n_descsz > notes.size() - description) {
      break;
    }
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
        std::memcmp(notes.data() + name, "GNU", 4) == 0) {
      return notes.subspan(description, header.n_descsz);
    }
    at = description + RoundUp(header.n_descsz, alignment);
    if (at > notes.size()) break;
  }
  return {};
}

std::string ModulePlace(const void* place) {
  Module module;
  module.place = reinterpret_cast<std::uintptr_t>(place);
  dl_iterate_phdr(&VisitModule, &module);
  MOBULA_CHECK(module.found, "a registry entry lies in no loaded module");
  if (module.build_id.empty()) {
    // The same few files again and again: one module has many entries.
    static std::string& last_file = *new std::string("\n");
    static std::string& last_hash = *new std::string();
    if (last_file != module.file) last_hash = HashFile(module.file);
    last_file = module.file;
    module.build_id = last_hash;
  }
  char offset[32];
  std::snprintf(offset, sizeof(offset), "+%llx",
                static_cast<unsigned long long>(module.place - module.base));
  return module.build_id + offset;
}

base::FunctionId HashKey(std::string_view key) {
  base::FunctionId id;
  id.hi = Mix(Fnv(key, 0xCBF29CE484222325));
  id.lo = Mix(Fnv(key, 0x6C62272E07BB0142));
  return id;
}

}  // namespace mobula::detail
