#!/bin/bash
# Runs the program on a folder made here: alone, with eight workers, with
# processes killed by itself and from outside; the result must always be right.
set -euo pipefail

index=$PWD/$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log
texts=$folder/texts

make_texts() {
  mkdir -p "$texts/deep/deeper"
  awk -v folder="$texts" 'BEGIN {
    srand(7)
    for (file = 0; file < 1500; ++file) {
      path = folder (file % 3 ? "/deep/" : "/") "text" file
      for (line = 0; line < 60; ++line) {
        text = ""
        for (i = 0; i < 12; ++i) text = text " w" int(3000 * rand() * rand())
        print text > path
      }
      close(path)
    }
  }'
  gzip "$texts"/deep/text1*
  head -c 5000 /dev/zero > "$texts/zeros"
  printf '\x1f\x8b\x08 no gzip' > "$texts/damaged.gz"
  ln -s .. "$texts/deep/deeper/up"
  ln -s nowhere "$texts/broken"
}

fail() {
  echo "FAILED: $*"
  cat "$log"
  exit 1
}

# expect PATTERN: the last line must match, and end the same way every time.
totals='index: 1500 files, 1080000 words,'
expect() {
  local last
  last=$(tail -n 1 "$log")
  [[ $last =~ ^$totals\ $1,\ verified$ ]] || fail "last line: $last"
  grep -q "left out: 1 file, binary" "$log" || fail "the binary file"
  grep -q "left out: 1 file, damaged" "$log" || fail "the damaged file"
  grep -q "broken (No such file" "$log" || fail "the broken link"
}

run() {
  "$index" --verify "$@" "$texts" w7 w11 < /dev/null > "$log" 2>&1 ||
    fail "exit code $? of: $*"
  grep -q "files with w7 w11" "$log" || fail "the query"
}

make_texts
run --workers 1
expect "1 workers, 0 kills, 0 retries, 0 restarts"
run --workers 8 --shards 7
expect "8 workers, 0 kills, 0 retries, 0 restarts"
run --workers 1 --kills 5
expect "1 workers, 5 kills, [1-9][0-9]* retries, [1-9][0-9]* restarts"
run --workers 8 --kills 12
expect "8 workers, 12 kills, [1-9][0-9]* retries, [1-9][0-9]* restarts"

# Killed from outside, one worker or shard after another. They are known by
# their environment: the agent has the program's own executable for a moment, too,
# before it becomes one.
workers_below() {
  local child
  for child in $(pgrep -P "$1" || true); do
    ! grep -qzs '^MOBULA_WORKER=' "/proc/$child/environ" || echo "$child"
    workers_below "$child"
  done
}
"$index" --verify --workers 2 "$texts" < /dev/null > "$log" 2>&1 &
driver=$!
killed=0
while kill -0 "$driver" 2> /dev/null && [ "$killed" -lt 6 ]; do
  victim=$(workers_below "$driver" | shuf -n 1)
  if [ -n "$victim" ] && kill -KILL "$victim" 2> /dev/null; then
    killed=$((killed + 1))
  fi
  sleep 0.1
done
wait "$driver" || fail "exit code $? when killed from outside"
expect "2 workers, 0 kills, [0-9]+ retries, [0-9]+ restarts"
[ "$killed" -gt 0 ] || fail "nobody was there to be killed"

# Queries on standard input, and misuse.
printf 'w7 w11\nw5\n' | "$index" --workers 2 "$texts" > "$log" 2>&1
grep -q "files with w7 w11" "$log" && grep -q "files with w5" "$log" ||
  fail "queries on standard input"
! "$index" --nope > "$log" 2>&1 || fail "an unknown option was accepted"
! "$index" "$folder/missing" > "$log" 2>&1 || fail "a missing folder"
echo "index_test: all right"
