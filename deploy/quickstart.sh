#!/bin/bash
# From a fresh clone to a verified index of real files: installs what is
# missing, builds, runs the first program and then the main example.
# Ends with the line "quickstart: ok, <files> files, <words> words, verified".
set -euo pipefail

stage=start
say() { printf 'quickstart: %s\n' "$*"; }
finish() {
  local code=$?
  bazel_end 2>/dev/null || true
  rm -f "${log:-}"
  [ "$code" = 0 ] || say "FAILED while: $stage (exit code $code)" >&2
}

stage="installing packages"
"$(dirname "${BASH_SOURCE[0]}")/setup.sh"
. "$(dirname "${BASH_SOURCE[0]}")/bazel.sh"
trap finish EXIT

# A folder with text enough to be worth an index: documents, or in a minimal
# root, which has nearly none, what else lies beside them.
pick_folder() {
  local folder
  for folder in /usr/share/doc /usr/share/perl /usr/share; do
    [ -d "$folder" ] || continue
    if [ "$(find "$folder" -type f 2>/dev/null | head -n 200 | wc -l)" = 200 ]
    then
      printf '%s' "$folder"
      return
    fi
  done
  printf '%s' "$root"
}

stage="building"
say "building (the first time takes minutes)"
bazel build -c opt //cli:mobula //examples/index //examples/hello
bin=$(bazel info -c opt bazel-bin 2>/dev/null)

stage="running examples/hello"
say "examples/hello"
"$bin/examples/hello/hello" </dev/null

folder=$(pick_folder)
stage="indexing $folder"
say "examples/index --verify $folder"
log=$(mktemp)
"$bin/examples/index/index" --verify "$folder" </dev/null | tee "$log"

stage="reading the last line of index"
last=$(tail -n 1 "$log")
pattern='^index: ([0-9]+) files, ([0-9]+) words, .*, verified$'
if ! [[ $last =~ $pattern ]]; then
  say "index did not end with a verified count, but with: $last" >&2
  exit 1
fi
files=${BASH_REMATCH[1]} words=${BASH_REMATCH[2]}
stage="counting"
if [ "$files" = 0 ] || [ "$words" = 0 ]; then
  say "nothing was indexed in $folder" >&2
  exit 1
fi
trap - EXIT
finish
say "ok, $files files, $words words, verified"
