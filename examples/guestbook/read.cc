// read: prints the names in the cluster's guestbook, which `sign` has opened.
#include <mobula/mobula.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "examples/guestbook/guestbook.h"

int main(int argc, char** argv) {
  try {
    mobula::Runtime runtime = mobula::Init(argc, argv);
    const auto book = mobula::GetActor<Guestbook>(kGuestbook);
    for (const std::string& name : mobula::Get(Names(book))) {
      std::cout << name << "\n";
    }
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "read: %s\n", e.what());
    return 1;
  }
}
