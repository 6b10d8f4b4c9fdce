#!/bin/bash
# A program that is built by hand, with the archive that deploy/install.sh
# installs and without Bazel, runs its functions on workers.
#   archive_test.sh LIBRARY FLAGS SOURCE PROGRAM
set -euo pipefail
library=$1 flags=$2 source=$3 program=$4
folder=$(mktemp -d "${TEST_TMPDIR:-/tmp}/archive.XXXXXX")
trap 'rm -rf "$folder"' EXIT

# shellcheck disable=SC2046
g++ -std=c++20 -I. -Iapi "$source" -o "$folder/program" \
  "$library" $(cat "$flags") -pthread
"$folder/program" --mobula-program="$program" 2>&1 | tee "$folder/output"
grep -q '^"ray" occurs 3 times$' "$folder/output"
driver=$(sed -n 's/^this is process \([0-9]*\);.*/\1/p' "$folder/output")
worker=$(sed -n 's/.*a task ran in process //p' "$folder/output")
[ -n "$worker" ] && [ "$worker" != "$driver" ]
