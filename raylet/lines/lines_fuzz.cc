// Arbitrary bytes as what another node's raylet says: refused with a sentence,
// or something that is the same when it is said again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"
#include "base/frames/node_message_codec.h"
#include "raylet/lines/node_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view raw(reinterpret_cast<const char*>(data), size);
  // Behind a head that is right, too: most inputs have none.
  const std::string head = mobula::raylet::EncodeNodeWelcome({}).substr(0, 12);
  for (const std::string& bytes : {std::string(raw), head + std::string(raw)}) {
    std::string error;
    mobula::raylet::NodeHello hello;
    if (mobula::raylet::DecodeNodeHello(bytes, &hello, &error)) {
      MOBULA_CHECK(mobula::raylet::EncodeNodeHello(hello).size() <=
                   mobula::raylet::kNodeHelloBytesMax);
    } else {
      MOBULA_CHECK(!error.empty());
    }
    error.clear();
    mobula::raylet::NodeWelcome welcome;
    if (mobula::raylet::DecodeNodeWelcome(bytes, &welcome, &error)) {
      (void)mobula::raylet::EncodeNodeWelcome(welcome);
    } else {
      MOBULA_CHECK(!error.empty());
    }
  }
  std::string error;
  mobula::base::NodeMessage message;
  if (!mobula::base::DecodeNodeMessage(
          mobula::base::Bytes::Own(std::string(raw)), &message, &error)) {
    MOBULA_CHECK(!error.empty());
    return 0;
  }
  const std::string again = mobula::base::EncodeNodeMessage(message);
  mobula::base::NodeMessage same;
  MOBULA_CHECK(mobula::base::DecodeNodeMessage(mobula::base::Bytes::Own(again),
                                               &same, &error));
  MOBULA_CHECK(mobula::base::EncodeNodeMessage(same) == again);
  return 0;
}
