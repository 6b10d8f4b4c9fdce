// Guestbook is a detached actor that two programs share: `sign` makes it and
// writes into it, `read`, a program of its own, finds it by its name.
//
//   mobula start --head
//   sign anna && sign bert && read      # anna, bert
//   mobula stop
// The methods are called in guestbook.cc, which both programs link: the
// actor's process runs the executable of `sign`, and a method is known there
// if that program names it in some Call.
#ifndef MOBULA_EXAMPLES_GUESTBOOK_GUESTBOOK_H_
#define MOBULA_EXAMPLES_GUESTBOOK_GUESTBOOK_H_

#include <mobula/mobula.h>

#include <string>
#include <vector>

class Guestbook {
 public:
  int Sign(const std::string& name) {
    names_.push_back(name);
    return static_cast<int>(names_.size());
  }
  std::vector<std::string> Names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

inline constexpr char kGuestbook[] = "guestbook";

mobula::Ref<int> Sign(const mobula::Actor<Guestbook>& book,
                      const std::string& name);
mobula::Ref<std::vector<std::string>> Names(
    const mobula::Actor<Guestbook>& book);

#endif  // MOBULA_EXAMPLES_GUESTBOOK_GUESTBOOK_H_
