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
#
# and for programs written for Ray (docs/ray.md) the headers that <ray/api.h>
# includes, lib/libmobula_ray.a, which is all of libmobula.a and more, and
# lib/pkgconfig/mobula_ray.pc.
set -euo pipefail

if [ $# != 1 ] || [ "${1#-}" != "$1" ] || [ -z "$1" ]; then
  echo "usage: deploy/install.sh PREFIX" >&2
  exit 2
fi
prefix=$(realpath -m -- "$1")
. "$(dirname "${BASH_SOURCE[0]}")/bazel.sh"
trap bazel_end EXIT

bazel build //api:mobula //api/compat:mobula_ray //cli:mobula
bin=$(bazel info bazel-bin 2>/dev/null)
version=$("$bin/cli/mobula" --version)

# Those which a program includes, and none of the rest.
msgpack=/usr/local/lib/mobula/msgpack-cxx
headers=$(g++ -std=c++20 -I. -Iapi -isystem "$msgpack/include" \
  -DMSGPACK_NO_BOOST -MM -MT headers api/mobula/mobula.h \
  api/compat/ray/api.h api/compat/ray/api/metric.h |
  tr -s ' \\' '\n' | grep '\.h$' | sort -u)

mkdir -p "$prefix/bin" "$prefix/lib/pkgconfig"
for header in $headers; do
  install -D -m 644 "$header" "$prefix/include/mobula/$header"
done
install -m 755 "$bin/cli/mobula" "$bin/cli/mobula-gcs" "$prefix/bin/"
install -m 644 "$bin/api/libmobula.a" "$prefix/lib/libmobula.a"
install -m 644 "$bin/api/compat/libmobula_ray.a" "$prefix/lib/libmobula_ray.a"
rm -rf "$prefix/include/mobula/msgpack-cxx"
cp -r "$msgpack" "$prefix/include/mobula/msgpack-cxx"
cat >"$prefix/lib/pkgconfig/mobula.pc" <<END
prefix=\${pcfiledir}/../..
Name: mobula
Description: remote functions and actors for C++20 programs
Version: ${version#mobula }
Cflags: -I\${prefix}/include/mobula -I\${prefix}/include/mobula/api
Libs: -L\${prefix}/lib -lmobula $(cat "$bin/api/libmobula.flags") -pthread
END
cat >"$prefix/lib/pkgconfig/mobula_ray.pc" <<END
prefix=\${pcfiledir}/../..
include=\${prefix}/include/mobula
Name: mobula_ray
Description: Ray's C++ API on Mobula
Version: ${version#mobula }
Cflags: -I\${include} -I\${include}/api -I\${include}/api/compat -isystem \${include}/msgpack-cxx/include -DMSGPACK_NO_BOOST
Libs: -L\${prefix}/lib -lmobula_ray $(cat "$bin/api/compat/libmobula_ray.flags") -pthread
END
echo "install: $version is in $prefix"
