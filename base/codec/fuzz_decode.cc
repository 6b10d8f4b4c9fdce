#include "base/codec/fuzz_decode.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/codec/codec.h"
#include "base/frames/message.h"

namespace mobula::base {
namespace {

enum class Color : std::uint8_t { kRed = 1 };

struct Named {
  int x = 0;
  unsigned bits : 5 = 0;
  char code[3] = {};
  MOBULA_FIELDS(Named, x, bits, code)
};

// No aggregate, fields within fields, in a template.
template <class T>
class Hidden {
 public:
  Hidden() = default;
  explicit Hidden(T value) { all_.push_back(std::move(value)); }

 private:
  std::vector<T> all_;
  std::optional<Named> named_;
  MOBULA_FIELDS(Hidden, all_, named_)
};

struct Tree {
  std::int16_t value = 0;
  std::vector<Tree> children;
  std::unique_ptr<Tree> next;
};

struct Everything {
  bool flag = false;
  Color color = Color::kRed;
  float ratio = 0;
  std::optional<std::optional<std::string>> text;
  std::variant<std::monostate, std::vector<double>, Named> either;
  std::map<std::string, std::deque<std::uint16_t>> map;
  std::set<std::int8_t> set;
  std::array<std::int32_t, 3> triple{};
  std::vector<bool> flags;
  std::shared_ptr<Bytes> bytes;
  std::chrono::milliseconds wait{0};
};

using Types =
    std::tuple<Everything, Message, Tree, Named, std::vector<double>,
               std::vector<std::byte>, std::vector<std::vector<std::string>>,
               std::pair<std::int64_t, std::uint64_t>,
               std::map<std::pair<int, int>, std::optional<float>>,
               Hidden<Hidden<std::uint32_t>>>;

[[noreturn]] void Complain(const char* what) {
  std::fprintf(stderr, "DecodeAnything: %s\n", what);
  std::abort();
}

template <class T>
bool DecodeOne(std::string_view bytes) {
  ReadLimits limits;
  limits.memory_bytes_max = 64 << 20;
  T value{};
  std::string error;
  if (!Decode(bytes, &value, &error, limits)) {
    if (error.empty()) Complain("refused without a reason");
    return false;
  }
  Reader whole(bytes);
  if (!whole.Skip() || !whole.End()) Complain("decoded what is not one item");
  const Bytes again = Bytes::Own(Encode(value));
  T copy{};
  if (!Decode(again, &copy, &error)) Complain("own encoding is refused");
  if (Encode(copy) != again.view()) Complain("encodings differ");
  return true;
}

template <std::size_t... kIndices>
bool DecodeChosen(std::size_t choice, std::string_view bytes,
                  std::index_sequence<kIndices...>) {
  bool is_decoded = false;
  ((choice == kIndices
        ? void(is_decoded =
                   DecodeOne<std::tuple_element_t<kIndices, Types>>(bytes))
        : void()),
   ...);
  return is_decoded;
}

Everything Sample() {
  Everything sample;
  sample.text = std::optional<std::string>("text");
  sample.either = std::vector<double>{1.5, 2.5};
  sample.map["a"] = {1, 2, 3};
  sample.set = {-1, 0, 1};
  sample.flags = {true, false};
  sample.bytes = std::make_shared<Bytes>(Bytes::Own("bytes"));
  return sample;
}

Tree SampleTree() {
  Tree tree;
  tree.children.resize(3);
  tree.children[1].next = std::make_unique<Tree>();
  return tree;
}

}  // namespace

bool DecodeAnything(std::string_view bytes) {
  constexpr std::size_t kTypes = std::tuple_size_v<Types>;
  if (bytes.empty()) return false;
  (void)Reader(bytes).Skip();
  return DecodeChosen(static_cast<unsigned char>(bytes[0]) % kTypes,
                      bytes.substr(1), std::make_index_sequence<kTypes>());
}

std::vector<std::string> DecodeSeeds() {
  TaskDone done;
  done.outcome = Failure();
  RunTask run;
  run.args = {Bytes::Own("one"), Bytes::Own("two")};
  std::vector<std::string> seeds = {
      '\0' + Encode(Sample()),
      '\1' + Encode(Message(done)),
      '\1' + Encode(Message(run)),
      '\2' + Encode(SampleTree()),
      '\3' + Encode(Named()),
      '\4' + Encode(std::vector<double>{1, 2, 3}),
      '\5' + Encode(std::vector<std::byte>(9)),
      '\6' + Encode(std::vector<std::vector<std::string>>{{"a", "b"}, {}}),
      '\7' + Encode(std::pair<std::int64_t, std::uint64_t>(-70000, 70000)),
      '\x8' + Encode(std::map<std::pair<int, int>, std::optional<float>>{
                  {{1, 2}, 0.5F}, {{3, 4}, std::nullopt}}),
      '\x9' +
          Encode(Hidden<Hidden<std::uint32_t>>(Hidden<std::uint32_t>(70000))),
  };
  return seeds;
}

}  // namespace mobula::base
