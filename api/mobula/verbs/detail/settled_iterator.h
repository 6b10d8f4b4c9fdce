// SettledIterator walks what gives its elements by Next() on a thread, which
// sleeps until each is there. Not for users.
//
//   for (const Settled<int>& done : completions) ...
//
// Threading: the thread that walks. Errors: begin and ++ throw what Next does;
// the iterator is then at the end, and another begin goes on behind it.
#ifndef MOBULA_API_MOBULA_VERBS_DETAIL_SETTLED_ITERATOR_H_
#define MOBULA_API_MOBULA_VERBS_DETAIL_SETTLED_ITERATOR_H_

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

#include "api/mobula/coro/block_on.h"

namespace mobula::detail {

template <class Source>
class SettledIterator {
  using Element = decltype(BlockOn(std::declval<Source&>().Next()));

 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = typename Element::value_type;
  using difference_type = std::ptrdiff_t;

  SettledIterator() = default;
  // At the next one.
  explicit SettledIterator(Source& source) : source_(&source) { ++*this; }

  const value_type& operator*() const { return *element_; }
  const value_type* operator->() const { return &*element_; }
  SettledIterator& operator++() {
    element_.reset();
    element_ = BlockOn(source_->Next());
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const SettledIterator& it, std::default_sentinel_t) {
    return !it.element_.has_value();
  }

 private:
  Source* source_ = nullptr;
  Element element_;
};

}  // namespace mobula::detail

#endif  // MOBULA_API_MOBULA_VERBS_DETAIL_SETTLED_ITERATOR_H_
