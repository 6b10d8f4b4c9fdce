# Sourced by the scripts of this tree: Bazel where HOME may be missing or not
# writable, and no server left behind that was not there before.
#
#   root      the top of the tree; the working folder from here on
#   bazel     as the command; use it for all that the script builds
#   bazel_end stops the server if it did not run when this file was sourced

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

# Of a build elsewhere (another HOME, another place of this tree) Bazel would
# take this link for a folder of packages. The other links are in .bazelignore.
find . -maxdepth 1 -type l -name 'bazel-*' ! -name bazel-bin \
  ! -name bazel-out ! -name bazel-testlogs -delete

# Bazel keeps its output under HOME; elsewhere in a folder of our own.
bazel_startup=()
if [ ! -d "${HOME:-}" ] || ! mkdir -p "$HOME/.cache" 2>/dev/null ||
  [ ! -w "$HOME/.cache" ]; then
  output="${TMPDIR:-/tmp}/mobula-build-$(id -u)"
  mkdir -p -m 700 "$output"
  if [ ! -O "$output" ] || [ -L "$output" ]; then
    echo "$output is not this user's own folder; set HOME" >&2
    exit 1
  fi
  export HOME="$output"
  bazel_startup+=("--output_user_root=$output/bazel")
fi

bazel_server_runs() {
  grep -lsqzxF -- "--workspace_directory=$root" /proc/[0-9]*/cmdline
}

bazel_was_running=0
if bazel_server_runs; then bazel_was_running=1; fi

bazel() {
  command bazel "${bazel_startup[@]}" "$@"
}

bazel_end() {
  if [ "$bazel_was_running" = 0 ] && bazel_server_runs; then
    bazel shutdown >/dev/null 2>&1 || true
  fi
}
