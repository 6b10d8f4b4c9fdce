#!/bin/bash
# Runs a program twice, on workers and as the flags say, and compares what it
# prints with what it is to print.
#   example_test.sh PROGRAM EXPECTED
set -euo pipefail
for flags in "" "--ray_head_args=--num-cpus=1"; do
  # shellcheck disable=SC2086
  if ! said=$("$1" $flags); then
    echo "FAILED: with \"$flags\" it ends with an error: $said"
    exit 1
  fi
  diff <(echo "$said") "$2" || {
    echo "FAILED: with \"$flags\" it prints (<) what is not expected (>)"
    exit 1
  }
done
echo "example_test: all right"
