#include "examples/guestbook/guestbook.h"

mobula::Ref<int> Sign(const mobula::Actor<Guestbook>& book,
                      const std::string& name) {
  return book.Call<&Guestbook::Sign>(name);
}

mobula::Ref<std::vector<std::string>> Names(
    const mobula::Actor<Guestbook>& book) {
  return book.Call<&Guestbook::Names>();
}
