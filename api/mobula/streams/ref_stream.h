// RefStream<T> is what a call of a generator gives: one item after the other,
// each a Ref<T> of its own, while the generator goes on in its worker.
//
//   mobula::Generator<std::string> Lines(std::string path);
//
//   mobula::RefStream<std::string> lines = mobula::Spawn<Lines>("a.txt");
//   for (const mobula::Ref<std::string>& line : lines) Use(line.Get());
//
//   auto words = actor.Call<&Index::Words>(mobula::CallOptions().Window(2));
//   while (auto word = co_await words.Next()) Use(co_await *word);
//   auto next = mobula::BlockOn(words.Next(100ms));     // on a thread
//
// An item can be taken as soon as it is yielded. The generator is held back
// where Window items (TaskOptions, CallOptions; default 16) were yielded and
// not taken: it stands at its co_yield until Next has given one.
// Next gives nothing after the last item. What the generator throws comes out
// of Next behind the items that it had yielded, once, and is the end; so does
// WorkerDied where no retry is left. An attempt after the first leaves out as
// many items as had come before: what they were stays.
// Destroying the stream cancels the generator (cancel.h), which ends at its
// co_yield; Refs that were taken stay. It cannot travel to other processes:
// hand its Refs on.
// Threading: one thread or coroutine at a time; it can be moved.
// Errors: Next throws TimeoutError, and then the same item comes next time;
// Cancelled; BadArgument where it was moved from; RuntimeClosed; and what ended
// the generator (those of Ref::Get).
// The idea: ObjectRefGenerator of Ray; back-pressure by credits: Kung and
// Morris, "Credit-Based Flow Control for ATM Networks" (1995).
#ifndef MOBULA_API_MOBULA_STREAMS_REF_STREAM_H_
#define MOBULA_API_MOBULA_STREAMS_REF_STREAM_H_

#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "api/mobula/coro/detail/object_wait.h"
#include "api/mobula/detail/calls.h"
#include "api/mobula/detail/value.h"
#include "api/mobula/ref.h"
#include "api/mobula/streams/stream_reader.h"
#include "api/mobula/timeout.h"
#include "api/mobula/verbs/detail/settled_iterator.h"
#include "base/codec/codec.h"

namespace mobula {

template <class T>
class [[nodiscard]] RefStream {
 public:
  using Item = T;

  RefStream() = default;  // of no generator
  RefStream(RefStream&&) noexcept = default;
  RefStream& operator=(RefStream&&) noexcept = default;
  ~RefStream() = default;

  // co_await it, or BlockOn it: the next item as std::optional<Ref<T>>, nothing
  // after the last.
  [[nodiscard]] auto Next(Timeout timeout = {}) {
    return NextWait(detail::Checked(reader_), timeout);
  }

  // For a thread: begin waits for the first. One loop at a time; a second one
  // goes on where the first was left.
  auto begin() { return detail::SettledIterator<RefStream>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // Whether it is of a generator.
  explicit operator bool() const { return reader_ != nullptr; }

  // A RefStream inside a value does not compile; see CheckValue.
  void MobulaEncode(base::Writer&) const { detail::CheckValue<RefStream>(); }
  bool MobulaDecode(base::Reader&) {
    return detail::CheckValue<RefStream>(), false;
  }

 private:
  friend struct RefStreamAccess;

  class NextWait final : public detail::ObjectWait {
   public:
    NextWait(detail::StreamReader& reader, Timeout timeout)
        : ObjectWait(reader.Cell(), timeout), reader_(reader) {}
    std::optional<Ref<T>> await_resume() {
      Finish();
      detail::ObjectPtr item = reader_.Take(TakeOutcome());
      if (item == nullptr) return std::nullopt;
      return RefAccess::Make<T>(std::move(item));
    }

   private:
    detail::StreamReader& reader_;
  };

  explicit RefStream(detail::ObjectPtr stream)
      : reader_(std::make_unique<detail::StreamReader>(std::move(stream))) {}

  std::unique_ptr<detail::StreamReader> reader_;
};

// The library's own way into a RefStream. Not for users.
struct RefStreamAccess {
  template <class T>
  static RefStream<T> Make(detail::ObjectPtr stream) {
    return RefStream<T>(std::move(stream));
  }
  template <class T>
  static const detail::ObjectPtr& Object(const RefStream<T>& stream) {
    return detail::Checked(stream.reader_).stream();
  }
};

}  // namespace mobula

#endif  // MOBULA_API_MOBULA_STREAMS_REF_STREAM_H_
