#!/bin/bash
# Runs the program: the picture must not depend on how the work is divided, and
# what makes no sense must be refused before anything is started.
set -euo pipefail

mandelbrot=$PWD/$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log
cd "$folder"

fail() {
  echo "FAILED: $*"
  cat "$log"
  exit 1
}

# run ARGUMENTS...: must succeed.
run() {
  "$mandelbrot" "$@" > "$log" 2>&1 || fail "exit code $? of: $*"
}

# refuse CODE MESSAGE ARGUMENTS...: must fail with that code and say so.
refuse() {
  local code=0 wanted=$1 message=$2
  shift 2
  "$mandelbrot" "$@" > "$log" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || fail "exit code $code, not $wanted, of: $*"
  grep -qF -- "$message" "$log" || fail "no \"$message\" of: $*"
}

picture="--width 320 --height 200 --iterations 200 --verify"
run $picture --workers 1 --tasks 1 --out one.png
run $picture --workers 2 --tasks 64 --out two.png
run $picture --mobula-local --tasks 9 --out local.png
line='^mandelbrot: 320x200, 9 tasks, .* workers, checksum [0-9a-f]{16}, '
line+='local.png, verified$'
grep -qE "$line" "$log" || fail "the last line"
cmp one.png two.png > "$log" 2>&1 || fail "one worker draws another picture"
cmp one.png local.png > "$log" 2>&1 || fail "local mode draws another picture"
head -c 4 one.png | grep -q PNG || fail "this is no PNG"

run -h
grep -q "usage: mandelbrot" "$log" || fail "the help"
refuse 2 "there is no option --nope" --nope
refuse 2 "--width wants a number from 1 to 16384, not \"0\"" --width 0
refuse 2 "--tasks wants a number from 1 to 4096, not \"x\"" --tasks=x
refuse 2 "--out wants a text" --out=
refuse 1 "nowhere/a.png" --width 8 --height 8 --out nowhere/a.png \
  --mobula-local
echo "mandelbrot_test: all right"
