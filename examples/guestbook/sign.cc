// sign NAME: writes a name into the cluster's guestbook, which it opens if
// there is none yet. The book stays when this program ends.
#include <mobula/mobula.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "examples/guestbook/guestbook.h"

int main(int argc, char** argv) {
  try {
    mobula::Runtime runtime = mobula::Init(argc, argv);
    const auto book = mobula::Create<Guestbook>(mobula::ActorOptions()
                                                    .Name(kGuestbook)
                                                    .Detached()
                                                    .GetIfExists()
                                                    .MaxRestarts(-1));
    const std::string name = argc > 1 ? argv[1] : "nobody";
    std::cout << name << " is number " << mobula::Get(Sign(book, name))
              << std::endl;
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "sign: %s\n", e.what());
    return 1;
  }
}
