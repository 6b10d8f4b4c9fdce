// ByteAmount is how much memory somebody asks for, as people write it.
//
//   "1073741824"  "512KiB"  "32MiB"  "1.5GiB"  "2G"    bytes
//   "500MB"                                            bytes, in thousands
//   "30%"                                              a share of what there is
//   std::string error;
//   auto amount = ByteAmount::Parse(text, &error);
//   std::uint64_t bytes = amount->Of(what_there_is);
// The one parser for options, flags and settings. K, M, G, T, P alone are the
// same as KiB and so on, 1024 each; KB and so on are 1000 each. Capitals do not
// matter, and nothing stands between number and unit.
// Threading: pure.
// Failure: Parse gives nothing, and a sentence that says what is wanted.
#ifndef MOBULA_BASE_SCHEDULING_BYTE_AMOUNT_H_
#define MOBULA_BASE_SCHEDULING_BYTE_AMOUNT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mobula::base {

class ByteAmount {
 public:
  // 8 EiB less one: what signed sizes can hold.
  static constexpr std::uint64_t kBytesMax = INT64_MAX;

  static ByteAmount Bytes(std::uint64_t bytes);
  // Nothing for what is no amount: also negative ones, those over kBytesMax and
  // over 100 %.
  static std::optional<ByteAmount> Parse(std::string_view text,
                                         std::string* error);

  [[nodiscard]] bool is_share() const { return percent_ > 0; }
  [[nodiscard]] bool is_zero() const { return percent_ <= 0 && bytes_ == 0; }
  // In bytes; `whole` is what a share is of.
  [[nodiscard]] std::uint64_t Of(std::uint64_t whole) const;
  // Parse reads it: "1073741824", "30%".
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const ByteAmount&, const ByteAmount&) = default;

 private:
  std::uint64_t bytes_ = 0;
  double percent_ = 0;  // above 0: it is a share
};

}  // namespace mobula::base

#endif  // MOBULA_BASE_SCHEDULING_BYTE_AMOUNT_H_
