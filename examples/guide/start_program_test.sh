#!/bin/bash
# Runs the first program of the guide, and tries the flags that the page names.
set -euo pipefail

for flags in "" --mobula-local "--mobula-cpus 2"; do
  said=$("$1" $flags)
  if [ "$said" != 16 ]; then
    echo "FAILED: with \"$flags\" it says: $said"
    exit 1
  fi
done
help=$("$1" --mobula-help)
if ! grep -q -- --mobula-cpus <<<"$help"; then
  echo "FAILED: --mobula-help does not name its flags: $help"
  exit 1
fi
if "$1" --mobula-nonsense > /dev/null 2>&1; then
  echo "FAILED: a flag that does not exist is accepted"
  exit 1
fi
echo "start_program_test: all right"
