// Encoding turns a value into what travels. It is counted first, and then
// written once, straight to where it stays. Not for users.
//
//   Encoding scene(WritableOf(value));
//   base::Value inlined = scene.Inline();                    // or
//   base::Outcome stored = scene.Store(session, name, deadline);
//
// Owner: who posts the value.   Threading: none; the caller's value must not
// change meanwhile.
// Invariants: a value that is short is encoded once, a longer one is counted
// and written; both find the same refs.
// Failure: throws BadArgument for a value that cannot be encoded: it is nested
// too deep, one of its parts is over 4 GiB, or it changed meanwhile.
#ifndef MOBULA_API_MOBULA_VALUES_ENCODING_H_
#define MOBULA_API_MOBULA_VALUES_ENCODING_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "api/mobula/values/writable.h"
#include "base/boot_time.h"
#include "base/failure.h"
#include "base/value.h"

namespace mobula::detail {

class Session;

class Encoding {
 public:
  explicit Encoding(const Writable& value);
  Encoding(const Encoding&) = delete;
  Encoding& operator=(const Encoding&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }
  // Whether it is never stored.
  [[nodiscard]] bool is_short() const { return size_ <= base::kInlineBytesMax; }

  // The value in memory of this process. Throws ValueTooLarge.
  base::Value Inline();
  // The value in the node's store as `name`, or inline where there is none;
  // waits while it is full. kObjectStoreFull, kTooLarge. Throws RuntimeClosed.
  // Gives the digest of what is stored, where one is wanted.
  base::Outcome Store(std::shared_ptr<const Session> session,
                      const base::ObjectName& name, base::BootTime deadline,
                      std::uint64_t* digest = nullptr);

  // The same later, of bytes that are written at once into memory of this
  // process: nothing of the value is needed when it is called, once. It never
  // throws.
  std::function<base::Outcome()> StoreLater(
      std::shared_ptr<const Session> session, const base::ObjectName& name,
      base::BootTime deadline, std::uint64_t* digest);

  // Handles of the refs inside, null if there are none; they must be kept until
  // the value has been posted.
  [[nodiscard]] std::shared_ptr<const void> Kept() const;
  // The same, in the order of the value's refs.
  [[nodiscard]] const std::vector<std::shared_ptr<const void>>& holders()
      const {
    return mentions_.holders;
  }

 private:
  class Mentions final : public base::RefSink {
   public:
    std::size_t Add(const base::ObjectName& ref,
                    std::shared_ptr<const void> holder) override;
    std::vector<base::ObjectName> refs;
    std::vector<std::shared_ptr<const void>> holders;
  };

  // The size of the whole; `room` may be too short for it.
  std::size_t Write(std::span<char> room, base::Writer::CopyFn copy);
  void Fill(std::span<char> room, base::Writer::CopyFn copy);

  const Writable value_;
  Mentions mentions_;
  std::size_t size_ = 0;
  char short_[base::kInlineBytesMax];  // the whole, if it is short
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VALUES_ENCODING_H_
