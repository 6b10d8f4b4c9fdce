#include "raylet/lines/node_hello.h"

#include "base/check.h"
#include "base/codec/codec.h"
#include "base/frames/hello.h"
#include "base/frames/little_endian.h"

namespace mobula::raylet {
namespace {

constexpr std::uint32_t kMagic = 0x4e424f4d;  // "MOBN"
constexpr std::size_t kHeadBytes = 12;
constexpr std::size_t kReasonBytesMax = 1024;

template <class Value>
std::string WithHead(const Value& value) {
  std::string bytes(kHeadBytes, '\0');
  base::PutLittleEndian(kMagic, bytes.data());
  base::PutLittleEndian(kLinesVersion, bytes.data() + 4);
  base::PutLittleEndian(base::kProtocolVersion, bytes.data() + 8);
  bytes += base::Encode(value);
  MOBULA_CHECK(bytes.size() <= kNodeHelloBytesMax);
  return bytes;
}

std::string VersionText(std::uint32_t lines, std::uint32_t messages) {
  return std::to_string(lines) + "." + std::to_string(messages);
}

template <class Value>
bool BehindHead(std::string_view bytes, Value* value, std::string* error) {
  if (bytes.size() < kHeadBytes || bytes.size() > kNodeHelloBytesMax ||
      base::GetLittleEndian<std::uint32_t>(bytes.data()) != kMagic) {
    *error = "it does not speak as a raylet does to another one";
    return false;
  }
  const auto lines = base::GetLittleEndian<std::uint32_t>(bytes.data() + 4);
  const auto messages = base::GetLittleEndian<std::uint32_t>(bytes.data() + 8);
  if (lines != kLinesVersion || messages != base::kProtocolVersion) {
    *error = "it is of version " + VersionText(lines, messages) +
             " and this node of " +
             VersionText(kLinesVersion, base::kProtocolVersion) +
             ": all nodes of a cluster run the same version of Mobula";
    return false;
  }
  return base::Decode(bytes.substr(kHeadBytes), value, error);
}

}  // namespace

std::string EncodeNodeHello(const NodeHello& hello) { return WithHead(hello); }

bool DecodeNodeHello(std::string_view bytes, NodeHello* hello,
                     std::string* error) {
  if (!BehindHead(bytes, hello, error)) return false;
  const bool sensible = !hello->cluster.IsNil() && !hello->from.IsNil() &&
                        !hello->raylet.IsNil() && hello->from != hello->to &&
                        static_cast<std::size_t>(hello->lane) < kLanes &&
                        hello->epoch != 0;
  if (!sensible) *error = "it says what no raylet says";
  return sensible;
}

std::string EncodeNodeWelcome(const NodeWelcome& welcome) {
  NodeWelcome cut = welcome;
  if (cut.reason.size() > kReasonBytesMax) cut.reason.resize(kReasonBytesMax);
  return WithHead(cut);
}

bool DecodeNodeWelcome(std::string_view bytes, NodeWelcome* welcome,
                       std::string* error) {
  if (!BehindHead(bytes, welcome, error)) return false;
  const bool sensible =
      welcome->refusal <= NodeRefusal::kOther &&
      (welcome->refusal != NodeRefusal::kNone || welcome->epoch != 0);
  if (!sensible) *error = "it answers what no raylet answers";
  return sensible;
}

}  // namespace mobula::raylet
