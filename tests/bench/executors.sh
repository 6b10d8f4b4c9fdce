#!/usr/bin/env bash
# The executor beside its peers: the same programs with Boost.Asio, oneTBB,
# std::async, asyncio and uvloop, in turn, so that all meet the same machine;
# then medians and ratios.
#
#   tests/bench/executors.sh [--rounds N] [--seconds S] [--python PYTHON]
#
# oneTBB is built in where Debian's libtbb-dev is installed (deploy/setup.sh
# --peers). PYTHON (default: python3) shows uvloop where it has it:
#   python3 -m venv DIR && DIR/bin/pip install uvloop
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=5
seconds=1
python=python3
misused() {
  sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case "$1" in
    --rounds) rounds=${2:-} ;;
    --seconds) seconds=${2:-} ;;
    --python) python=${2:-} ;;
    *) misused ;;
  esac
  [ $# -gt 1 ] && shift 2 || misused
done
[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[0-9.]+$ ]] || misused

programs=(executor executor_asio executor_std)
[ ! -e /usr/include/oneapi/tbb/task_group.h ] || programs+=(executor_tbb)
bazel build -c opt //cli:mobula //tests/bench:nested \
  "${programs[@]/#/\/\/tests\/bench:}"
bin=$(bazel info -c opt bazel-bin 2>/dev/null)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "machine: $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
  head -n 1), Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
echo "peers: Boost $(sed -n 's/^#define BOOST_LIB_VERSION "\(.*\)"/\1/p' \
  /usr/include/boost/version.hpp), $("$python" --version)"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  for program in "${programs[@]}"; do
    "$bin/tests/bench/$program" "$seconds" |
      sed "s/^/${program#executor_} /" >>"$log"
  done
  for loop in asyncio uvloop; do
    "$python" tests/bench/executor_asyncio.py "$seconds" "$loop" |
      sed "s/^/$loop /" >>"$log"
  done
  "$bin/tests/bench/nested" "$seconds" | sed "s/^/executor /" >>"$log"
done
python3 tests/bench/executors.py <"$log"
