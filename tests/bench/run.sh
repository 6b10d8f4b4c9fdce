#!/usr/bin/env bash
# The rows of docs/performance.md: floors, Mobula and, where it is there, Ray, in
# turn, so that all meet the same machine; then medians and ratios.
#
#   tests/bench/run.sh [--rounds N] [--seconds S] [--log-folder DIR]
#                      [--rows NAME,...] [--json FILE] [--ray PROGRAM [ARGS...]]
#
# NAME: a row (actor_sync, obj_large); only the programs that measure one of
# these run. FILE: what report.py gives for other programs to read.
# DIR (default: one below the working folder): where the control store's log is
# measured beside the disk's own limit.
# PROGRAM prints lines `name ops_per_s ...`: a build of the Ray C++ API's
# benchmark (docs/performance.md says how to make one).
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=5
seconds=1
ray=()
log_folder=''
rows=''
json=()
misused() {
  sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case "$1" in
    --rounds) rounds=${2:-}; shift ;;
    --seconds) seconds=${2:-}; shift ;;
    --log-folder) log_folder=${2:-}; shift ;;
    --rows) rows=${2:-}; shift ;;
    --json) json=(--json "$(realpath -m "${2:-}")"); shift ;;
    --ray) shift; ray=("$@"); break ;;
    *) misused ;;
  esac
  [ $# -gt 0 ] && shift || misused
done
[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[0-9.]+$ ]] || misused

# Which of the programs measure one of the rows; of all where none is named.
measures() {
  [ -n "$rows" ] || return 0
  local row
  for row in ${rows//,/ }; do
    case "$1:$row" in
      calls:actor_sync | calls:actor_pipe | calls:task_* | calls:queue_1m) ;;
      objects:obj_* | objects:large_* | objects:huge_* | objects:many_refs | \
        objects:get_10k | objects:hold_10k | objects:pass_10k | \
        objects:wait_1k) ;;
      control:actor_create | control:actor_named | control:actor_detached | \
        control:head_* | control:key_*) ;;
      *) continue ;;
    esac
    return 0
  done
  return 1
}
programs=()
for program in calls objects control; do
  ! measures "$program" || programs+=("$program")
done
if [ ${#programs[@]} -eq 0 ]; then
  echo "run.sh: nothing measures $rows" >&2
  exit 2
fi

bazel build -c opt //cli:mobula //tests/bench:calls //tests/bench:floors \
  //tests/bench:objects //tests/bench:object_floors //tests/bench:control \
  //gcs/log:control_log_bench
bin=$(bazel info -c opt bazel-bin 2>/dev/null)
log=$(mktemp)
made_folder=''
if [ -z "$log_folder" ]; then
  made_folder=$(mktemp -d "$PWD/control_log.XXXXXX")
  log_folder=$made_folder
fi
trap 'rm -f "$log"; [ -z "$made_folder" ] || rm -rf "$made_folder"' EXIT

echo "machine: $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
  head -n 1), Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  for floors in floors object_floors; do
    "$bin/tests/bench/$floors" "$seconds" | sed 's/^/floor /' >>"$log"
  done
  for program in "${programs[@]}"; do
    "$bin/tests/bench/$program" "$seconds" | sed 's/^/mobula /' >>"$log"
  done
  if [ ${#ray[@]} -gt 0 ]; then
    "${ray[@]}" 2>/dev/null |
      awk '$1 ~ /^[a-z]/ && $2 + 0 > 0 { print "ray", $1, $2, "/s", 0 }' >>"$log"
  fi
done
python3 tests/bench/report.py --rows "$rows" "${json[@]}" <"$log"
[ -n "$rows" ] ||
  "$bin/gcs/log/control_log_bench" "$log_folder" "$rounds" "$seconds"
