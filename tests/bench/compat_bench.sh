#!/usr/bin/env bash
# Compiles a program that was written for Ray's C++ API, as it is, against
# //api/compat:ray, and runs it: the same source can then be measured with Ray.
#
#   tests/bench/compat_bench.sh [--build-only OUTPUT] SOURCE [ARGUMENT...]
#
# The source lies anywhere. With --build-only the program is left at OUTPUT, to
# be run with MOBULA_HOME set to where `mobula` is. CXX, CXXFLAGS: as usual.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

misused() {
  sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
output=
if [ "${1:-}" = --build-only ]; then
  [ $# -ge 2 ] || misused
  output=$(realpath -m -- "$2")
  shift 2
fi
[ $# -ge 1 ] && [ -f "$1" ] || misused
source=$(realpath -- "$1")
shift

cd "$here"
bazel build -c opt //api/compat:mobula_ray //cli:mobula 2>&1 | tail -n 1 >&2
bin=$(bazel info -c opt bazel-bin 2>/dev/null)
folder=
if [ -z "$output" ]; then
  folder=$(mktemp -d /tmp/compat_bench.XXXXXX)
  trap 'rm -rf "$folder"' EXIT
  output=$folder/program
fi
# shellcheck disable=SC2046,SC2086
"${CXX:-g++}" -std=c++20 -O2 ${CXXFLAGS:-} -I. -Iapi/compat \
  -isystem /usr/local/lib/mobula/msgpack-cxx/include -DMSGPACK_NO_BOOST \
  "$source" -o "$output" "$bin/api/compat/libmobula_ray.a" \
  $(cat "$bin/api/compat/libmobula_ray.flags") -pthread
[ -n "$folder" ] || exit 0
MOBULA_HOME=$bin/cli "$output" "$@"
