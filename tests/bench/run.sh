#!/usr/bin/env bash
# The rows of docs/performance.md: floors, Mobula and, where it is there, Ray, in
# turn, so that all meet the same machine; then medians and ratios.
#
#   tests/bench/run.sh [--rounds N] [--seconds S] [--ray PROGRAM [ARGS...]]
#
# PROGRAM prints lines `name ops_per_s ...`: a build of the Ray C++ API's
# benchmark (docs/performance.md says how to make one).
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=5
seconds=1
ray=()
while [ $# -gt 0 ]; do
  case "$1" in
    --rounds) rounds=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --ray) shift; ray=("$@"); break ;;
    *) sed -n '2,9p' "$0"; exit 2 ;;
  esac
done

bazel build -c opt //cli:mobula //tests/bench:calls //tests/bench:floors \
  //tests/bench:objects //tests/bench:object_floors
bin=$(bazel info -c opt bazel-bin 2>/dev/null)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "machine: $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
  head -n 1), Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  for floors in floors object_floors; do
    "$bin/tests/bench/$floors" "$seconds" | sed 's/^/floor /' >>"$log"
  done
  for rows in calls objects; do
    "$bin/tests/bench/$rows" "$seconds" | sed 's/^/mobula /' >>"$log"
  done
  if [ ${#ray[@]} -gt 0 ]; then
    "${ray[@]}" 2>/dev/null |
      awk '$1 ~ /^[a-z]/ && $2 + 0 > 0 { print "ray", $1, $2, "/s", 0 }' >>"$log"
  fi
done
python3 tests/bench/report.py <"$log"
