#!/bin/bash
# Puts into PREFIX what a program that is built without Bazel needs:
#
#   deploy/install.sh PREFIX
#
#   bin/mobula                 what Init starts, and `mobula doctor`
#   bin/mobula-gcs             the control store, which `mobula gcs` executes
#   include/mobula/            <mobula/mobula.h> and what it includes
#   lib/libmobula.a            the library
#   lib/pkgconfig/mobula.pc    the flags; PREFIX may be moved as a whole
set -euo pipefail

if [ $# != 1 ] || [ "${1#-}" != "$1" ] || [ -z "$1" ]; then
  echo "usage: deploy/install.sh PREFIX" >&2
  exit 2
fi
prefix=$(realpath -m -- "$1")
. "$(dirname "${BASH_SOURCE[0]}")/bazel.sh"
trap bazel_end EXIT

bazel build //api:mobula //cli:mobula
bin=$(bazel info bazel-bin 2>/dev/null)
version=$("$bin/cli/mobula" --version)

# Those which a program includes, and none of the rest.
headers=$(g++ -std=c++20 -I. -Iapi -MM -MT headers api/mobula/mobula.h |
  tr -s ' \\' '\n' | grep '\.h$')

mkdir -p "$prefix/bin" "$prefix/lib/pkgconfig"
for header in $headers; do
  install -D -m 644 "$header" "$prefix/include/mobula/$header"
done
install -m 755 "$bin/cli/mobula" "$bin/cli/mobula-gcs" "$prefix/bin/"
install -m 644 "$bin/api/libmobula.a" "$prefix/lib/libmobula.a"
cat >"$prefix/lib/pkgconfig/mobula.pc" <<END
prefix=\${pcfiledir}/../..
Name: mobula
Description: remote functions and actors for C++20 programs
Version: ${version#mobula }
Cflags: -I\${prefix}/include/mobula -I\${prefix}/include/mobula/api
Libs: -L\${prefix}/lib -lmobula $(cat "$bin/api/libmobula.flags") -pthread
END
echo "install: $version is in $prefix"
