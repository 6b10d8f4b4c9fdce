#!/bin/bash
# Runs the program: it must learn in both modes, also while its shards are
# killed; synchronously the weights must not even show it.
set -euo pipefail

program=$PWD/$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log

fail() {
  echo "FAILED: $*"
  cat "$log"
  exit 1
}

# run ARGUMENTS...: must succeed, which says that the accuracy was reached.
run() {
  "$program" --accuracy-min 90 "$@" > "$log" 2>&1 ||
    fail "exit code $? of: $*"
}

# expect KILLS RESTARTS LOST: the last line.
expect() {
  local line="^parameter_server: accuracy 9[0-9]\.[0-9] %, 625 updates, "
  line+="4 shards, [0-9.]+ workers, $1 kills, $2 restarts, $3 updates lost, "
  line+="weights [0-9a-f]{16}$"
  tail -n 1 "$log" | grep -qE "$line" || fail "the last line"
}

weights() { tail -n 1 "$log" | grep -oE '[0-9a-f]{16}$'; }

# refuse CODE MESSAGE ARGUMENTS...: must fail with that code and say so.
refuse() {
  local code=0 wanted=$1 message=$2
  shift 2
  "$program" "$@" > "$log" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code, not $wanted, of: $*"
  grep -qF -- "$message" "$log" || fail "no \"$message\" of: $*"
}

run --epochs 5 --workers 1
expect 0 0 0
undisturbed=$(weights)
run --epochs 5 --workers 2
[ "$(weights)" = "$undisturbed" ] || fail "two workers learn something else"
run --epochs 5 --workers 2 --kills 2
expect 2 2 '[1-9][0-9]*'
[ "$(weights)" = "$undisturbed" ] || fail "kills change what is learned"
run --epochs 5 --mode async --workers 2
expect 0 0 0
run --epochs 5 --mode=async --workers 2 --kills 2
expect 2 2 '[0-9]+'

run -h
grep -q "usage: parameter_server" "$log" || fail "the help"
refuse 1 "WRONG: the accuracy is below 99.9 %" --epochs 1 --accuracy-min 99.9 \
  --mobula-local
refuse 2 "--mode wants one of sync|async, not \"both\"" --mode both
refuse 2 "--shards wants a number from 1 to 64, not \"0\"" --shards 0
refuse 2 "there is no option --nope" --nope
echo "parameter_server_test: all right"
