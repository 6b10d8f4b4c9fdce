#!/bin/bash
# Runs the program: the estimate must be near pi, and the same however many
# workers count.
set -euo pipefail

pi=$PWD/$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log

fail() {
  echo "FAILED: $*"
  cat "$log"
  exit 1
}

# run ARGUMENTS...: must succeed.
run() {
  "$pi" "$@" > "$log" 2>&1 || fail "exit code $? of: $*"
}

# refuse MESSAGE ARGUMENTS...: must fail as misused and say so.
refuse() {
  local code=0 message=$1
  shift
  "$pi" "$@" > "$log" 2>&1 || code=$?
  [ "$code" = 2 ] || fail "exit code $code, not 2, of: $*"
  grep -qF -- "$message" "$log" || fail "no \"$message\" of: $*"
}

work="--samples 2000000 --tasks 20 --seed 3 --verify"
run $work --workers 1
last='^pi: [0-9]+ of 2000000 points inside, 20 tasks, 1 workers, seed 3, verified$'
grep -qE "$last" "$log" || fail "the last line"
first=$(head -n 1 "$log")
[[ $first =~ ^pi:\ 3\.1[0-9]+\ \+-\ 0\.0011[0-9]+,\ [0-4]\.[0-9]+\ sigma\ off$ ]] ||
  fail "the first line"
run $work --workers 3
[ "$(head -n 1 "$log")" = "$first" ] || fail "three workers say something else"
run $work --mobula-local
[ "$(head -n 1 "$log")" = "$first" ] || fail "local mode says something else"
run --samples 2000000 --tasks 20 --seed 4
[ "$(head -n 1 "$log")" != "$first" ] || fail "another seed says the same"

run --help
grep -q "usage: pi" "$log" || fail "the help"
refuse "there is no option --nope" --nope
refuse "--samples wants a number from 1 to 1000000000000, not \"0\"" --samples 0
refuse "--seed wants a number" --seed=-1
echo "pi_test: all right"
