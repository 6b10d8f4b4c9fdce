#!/bin/bash
# Runs the program: it must count what one thread counts, whatever the window and
# the number of workers.
set -euo pipefail

pipeline=$PWD/$1
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
  "$pipeline" "$@" > "$log" 2>&1 || fail "exit code $? of: $*"
}

# refuse MESSAGE ARGUMENTS...: must fail and say so.
refuse() {
  local code=0 want=$1 message=$2
  shift 2
  "$pipeline" "$@" > "$log" 2>&1 || code=$?
  [ "$code" = "$want" ] || fail "exit code $code, not $want, of: $*"
  grep -qF -- "$message" "$log" || fail "no \"$message\" of: $*"
}

work="--lines 20000 --seed 3 --verify"
run $work --workers 1 --window 1
last='^pipeline: 20000 lines, [0-9]+ words, [0-9]+ different, 2 lanes, window 1, 1 workers, verified$'
grep -qE "$last" "$log" || fail "the last line"
first=$(head -n 5 "$log")
[ "$(grep -cE '^pipeline: [a-z]+ [0-9]+$' "$log")" = 5 ] || fail "five words"
run $work --workers 3 --window 16
[ "$(head -n 5 "$log")" = "$first" ] || fail "three workers say something else"
run $work --mobula-local
[ "$(head -n 5 "$log")" = "$first" ] || fail "local mode says something else"

printf 'the cat\nthe dog and the bird\n' > "$folder/text"
run --file "$folder/text" --verify --workers 1
[ "$(head -n 1 "$log")" = "pipeline: the 3" ] || fail "the cat"
grep -q '^pipeline: 2 lines, 7 words, 5 different, 1 lanes' "$log" ||
  fail "the dog"

run --help
grep -q "usage: pipeline" "$log" || fail "the help"
refuse 2 "there is no option --nope" --nope
refuse 2 "--window wants a number from 1 to 1000, not \"0\"" --window 0
refuse 1 "cannot read $folder/absent" --file "$folder/absent" --workers 1
echo "pipeline_test: all right"
