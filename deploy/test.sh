#!/bin/bash
# Tests everything, and counts the test cases that really ran: results of an
# earlier run are never taken over. Ends with the line "N passed, N failed"
# (", N skipped" where some were); exit code 0 only if some ran and none failed.
set -uo pipefail

usage() {
  cat <<'END'
usage: deploy/test.sh [--only NAME] [--long]

  --only NAME  only the tests of a Bazel pattern (//base/...), or those whose
               label contains NAME; without tools/check
  --long       also the tests tagged long, tools/check --long (the tests again
               under clang, asan and tsan, and clang-tidy) and a while of fuzzing
END
}

say() { printf 'test: %s\n' "$*"; }

only='' long=0
while [ $# -gt 0 ]; do
  case $1 in
    --only)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      only=$2
      shift
      ;;
    --long) long=1 ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
failed=0    # what failed beside test cases: steps of tools/check, the build

# The last two lines of every run are made here.
end() {
  say "$programs test programs ran, $checks"
  local line="$passed passed, $failed failed"
  [ "$skipped" = 0 ] || line="$line, $skipped skipped"
  echo "$line"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}
passed=0 skipped=0 programs=0 checks="checks not run"

if ! "$here/setup.sh"; then
  say "FAILED: setup.sh"
  failed=1
  end
fi
. "$here/bazel.sh" || exit 1

# Short: the paths of Unix sockets end at 107 characters.
scratch=$(mktemp -d /tmp/mt.XXXXXX) || exit 1
clean_up() {
  bazel_end
  chmod -R u+w "$scratch" 2>/dev/null
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir "$scratch/events" "$scratch/t"

run_checks() {
  local args=(--events "$scratch/events")
  [ "$long" = 0 ] || args+=(--long)
  if tools/check "${args[@]}"; then
    checks="checks ok"
    return
  fi
  checks="checks FAILED"
  failed=$((failed + $(wc -l <"$scratch/events/failed_steps")))
}

# Prints the labels of the tests to run.
targets() {
  case $only in
    '') echo //... ;;
    //* | *:*) echo "$only" ;;
    *)
      bazel query --noshow_progress 'tests(//...)' 2>/dev/null |
        grep -F -e "$only"
      ;;
  esac
}

run_tests() {
  local labels filters=-manual
  mapfile -t labels < <(targets)
  if [ "${#labels[@]}" = 0 ]; then
    say "no test's label contains $only"
    failed=$((failed + 1))
    return
  fi
  [ -n "$only" ] || [ "$long" = 1 ] || filters=-manual,-long
  [ -z "$only" ] || filters=
  bazel test --keep_going --nocache_test_results --test_tmpdir="$scratch/t" \
    --test_tag_filters="$filters" --noshow_progress \
    --build_event_json_file="$scratch/events/tests.json" -- "${labels[@]}"
  bazel_code=$?
}

count_cases() {
  local counted ran_failed
  compgen -G "$scratch/events/*.json" >/dev/null || return
  counted=$(tools/count_cases "$scratch"/events/*.json) || {
    failed=$((failed + 1))
    return
  }
  sed -n 's/^FAILED /test: FAILED /p' <<<"$counted"
  read -r _ passed ran_failed skipped programs \
    <<<"$(grep '^cases ' <<<"$counted")"
  failed=$((failed + ran_failed))
}

bazel_code=0
[ -n "$only" ] || run_checks
run_tests
count_cases
# 3: tests failed, counted above.
if [ "$bazel_code" != 0 ] && [ "$failed" = 0 ]; then
  say "FAILED: bazel test ended with exit code $bazel_code"
  failed=1
fi
end
