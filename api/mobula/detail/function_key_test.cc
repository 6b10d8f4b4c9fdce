#include "api/mobula/detail/function_key.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace mobula::detail {
namespace {

TEST(HasLocalNameTest, TellsNamesThatOthersMayHave) {
  const struct {
    std::string_view mangled;
    bool is_local;
  } kCases[] = {
      {"2FnIPFiiEXadL_Z1FiEEE", false},
      {"2FnIPFidEXadL_Z1FdEEE", false},
      {"2FnIPFiiEXadL_ZL1SiEEE", true},            // static
      {"2FnIXadL_ZN12_GLOBAL__N_11AEiEEE", true},  // unnamed namespace
      {"2FnIXadL_ZN2nsL2S2EiEEE", true},           // static in ns
      {"2FnIXadL_ZN2ns1GENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEE"
       "E",
       false},
      {"2FnIXadL_ZNK1C1MEiEEE", false},
      {"2FnIXadL_ZN5_ZL1F1MEiEEE", false},         // a class named _ZL1F
      {"2FnIXadL_Z5HTML5IiLi5EET_S1_EEE", false},  // L5 inside a name
      {"2FnIXadL_Z5HTML5IiTnDaLi5EET_S1_EEE", false},
      {"2FnIXadL_Z2TOIL3Old0EEivEEE", false},  // value of an enumeration
      {"2FnIXadL_Z2TOIL3Oldn1EEivEEE", false},
      {"2FnIXadL_ZN2ns2T1IiLNS0_1EE0EEET_S3_EEE", false},
      {"2FnIXtlZ4mainE3$_0EEE", true},         // lambda, clang
      {"2FnIXtlZ4mainEUliE_EEE", true},        // lambda, GCC
      {"2FnIXtl2FoEEE", false},                // function object
      {"2FnIXadL_ZZ4mainEN1L1MEvEEE", false},  // local class
      {"2FnIXadL_ZZ4mainENUt_1MEvEEE", true},  // unnamed class
      {"2FnIA10_iE", false},
      {"99F", true},  // nonsense
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(HasLocalName(each.mangled), each.is_local) << each.mangled;
  }
}

// ---- the compiler as the judge: GCC marks types of internal linkage ---------

struct RawName : std::type_info {
  static bool IsLocal(const std::type_info& type) {
    return (type.*(&RawName::__name))[0] == '*';
  }
};

}  // namespace

namespace key_test {
enum class Kind { kOne };
int External(int x);
int External(int x) { return x; }
int Overloaded(double x);
int Overloaded(double x) { return static_cast<int>(x); }
static int Static(int x) { return x; }
template <class T, Kind kKind>
T Template(T x) {
  return x;
}
struct Class {
  int Method(int x) const { return x; }
  static int StaticMethod() { return 1; }
};
}  // namespace key_test

namespace {

int Unnamed(int x) { return x; }

template <auto kFunction>
void ExpectJudgedAlike() {
#ifndef __clang__
  using Type = std::integral_constant<decltype(kFunction), kFunction>;
  EXPECT_EQ(HasLocalName(typeid(Type).name()), RawName::IsLocal(typeid(Type)))
      << typeid(Type).name();
#endif
}

TEST(HasLocalNameTest, AgreesWithTheCompiler) {
  ExpectJudgedAlike<&key_test::External>();
  ExpectJudgedAlike<&key_test::Overloaded>();
  ExpectJudgedAlike<&key_test::Static>();
  ExpectJudgedAlike<&key_test::Template<int, key_test::Kind::kOne>>();
  ExpectJudgedAlike<
      &key_test::Template<key_test::Kind, key_test::Kind::kOne>>();
  ExpectJudgedAlike<&key_test::Class::Method>();
  ExpectJudgedAlike<&key_test::Class::StaticMethod>();
  ExpectJudgedAlike<&Unnamed>();
  ExpectJudgedAlike<[](int x) { return x; }>();
}

// ---- build ids --------------------------------------------------------------

using Bytes = std::vector<unsigned char>;

void Append32(std::uint32_t value, Bytes* bytes) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes->push_back(static_cast<unsigned char>(value >> shift));
  }
}

void AppendNote(std::uint32_t type, std::string_view name, const Bytes& data,
                std::size_t alignment, Bytes* bytes) {
  const std::size_t start = bytes->size();
  const auto pad = [&] {
    while ((bytes->size() - start) % alignment != 0) bytes->push_back(0);
  };
  Append32(static_cast<std::uint32_t>(name.size()), bytes);
  Append32(static_cast<std::uint32_t>(data.size()), bytes);
  Append32(type, bytes);
  bytes->insert(bytes->end(), name.begin(), name.end());
  pad();
  bytes->insert(bytes->end(), data.begin(), data.end());
  pad();
}

constexpr std::string_view kGnu("GNU\0", 4);

TEST(FindBuildIdTest, FindsItBehindOtherNotes) {
  const Bytes id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  for (const std::size_t alignment : {4, 8}) {
    Bytes notes;
    AppendNote(5, kGnu, Bytes(16, 0xAB), alignment, &notes);
    AppendNote(NT_GNU_BUILD_ID, "GNX\0", Bytes(4, 1), alignment, &notes);
    AppendNote(NT_GNU_BUILD_ID, kGnu, id, alignment, &notes);
    const auto found = FindBuildId(notes, alignment);
    EXPECT_EQ(Bytes(found.begin(), found.end()), id) << alignment;
  }
}

TEST(FindBuildIdTest, NothingInNothing) {
  EXPECT_TRUE(FindBuildId({}, 4).empty());
  Bytes notes;
  AppendNote(5, kGnu, Bytes(16, 0xAB), 4, &notes);
  EXPECT_TRUE(FindBuildId(notes, 4).empty());
}

TEST(FindBuildIdTest, NeverReadsOutsideOfWrongBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    Bytes notes;
    AppendNote(5, kGnu, Bytes(8, 1), 4, &notes);
    AppendNote(NT_GNU_BUILD_ID, kGnu, Bytes(20, 2), 4, &notes);
    for (int i = 0; i < 3; ++i) {
      notes[random() % notes.size()] = static_cast<unsigned char>(random());
    }
    notes.resize(random() % (notes.size() + 1));
    notes.shrink_to_fit();
    const auto found = FindBuildId(notes, 4);
    if (found.empty()) continue;
    EXPECT_GE(found.data(), notes.data());
    EXPECT_LE(found.data() + found.size(), notes.data() + notes.size());
  }
}

TEST(ModulePlaceTest, NamesModuleAndOffset) {
  static int here = 0;
  static int there = 0;
  here = there = 1;
  const std::string place = ModulePlace(&here);
  const std::string other = ModulePlace(&there);
  EXPECT_EQ(place, ModulePlace(&here));
  EXPECT_NE(place, other);
  EXPECT_EQ(place.substr(0, place.find('+')), other.substr(0, other.find('+')));
  // A build id of SHA-1, or a file's hash.
  EXPECT_GE(place.find('+'), 16u);
}

TEST(HashKeyTest, KeysThatDifferLittleHaveIdsThatDifferMuch) {
  std::set<base::FunctionId> ids;
  for (int i = 0; i < 10'000; ++i) {
    ids.insert(HashKey("key" + std::to_string(i)));
  }
  EXPECT_EQ(ids.size(), 10'000u);
  const base::FunctionId id = HashKey("");
  EXPECT_FALSE(id.IsNil());
  EXPECT_NE(id.hi, id.lo);
}

}  // namespace
}  // namespace mobula::detail
