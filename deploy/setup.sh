#!/bin/bash
# Installs what Mobula needs to build and to test itself, from Debian's
# packages. Asks nothing, may be run as often as one likes, and needs no
# network when nothing is missing.
#
#   deploy/setup.sh           install what is missing
#   deploy/setup.sh --list    print the packages, one a line
#   deploy/setup.sh --peers   also what tests/bench measures beside Mobula
set -euo pipefail

PACKAGES=(
  # Build: compiler, Bazel and the rules that it finds under /usr/share/bazel.
  g++ git ca-certificates python3 procps
  bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto
  bazel-skylib
  # Base types, log, codec, sockets, reflection, coroutines, JSON.
  libabsl-dev libspdlog-dev libboost1.81-dev nlohmann-json3-dev
  # RPC and wire of the daemons.
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  # Durable log; etcd for high availability.
  librocksdb-dev etcd-server
  # Command line, YAML, metrics, TLS and hashes, allocators.
  libcli11-dev libyaml-cpp-dev prometheus-cpp-dev libssl-dev
  libjemalloc-dev libmimalloc-dev
  # What the examples read and write.
  zlib1g-dev libpng-dev
  # Tests, benchmarks, sanitizers, fuzzing, checks.
  libgtest-dev libbenchmark-dev
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev lld-19
  # Stacks of running processes (mobula stack).
  elfutils
  # Network namespaces, containers and remote machines of the tests.
  iproute2 iptables docker.io debootstrap openssh-client openssh-server
)

# What nothing is built or tested with, only compared to (tests/bench).
PEER_PACKAGES=(
  libtbb-dev
)

# Its headers alone, for <ray/api.h>: installed as a package it wants Boost 1.74,
# which cannot be beside 1.81. The build finds it here (WORKSPACE).
MSGPACK=libmsgpack-cxx-dev
MSGPACK_ROOT=/usr/local/lib/mobula/msgpack-cxx

say() { printf 'setup: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

# Prints those of PACKAGES that are not fully installed.
missing_packages() {
  local installed
  # dpkg-query exits with 1 when it does not know one of the names.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' \
    "${PACKAGES[@]}" 2>/dev/null | sed -n 's/^installed //p') || true
  printf '%s\n' "${PACKAGES[@]}" | grep -vxF -f <(printf '%s\n' "$installed") ||
    true
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo -- "$@"
  fi
}

# Debian starts a daemon when its package is installed, unless this file says
# no. etcd, docker and sshd are wanted for tests, which start their own.
POLICY=/usr/sbin/policy-rc.d
policy_is_ours=0
refuse_services() {
  [ ! -e "$POLICY" ] || return 0
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
  policy_is_ours=1
  as_root chmod 755 "$POLICY"
}
allow_services() {
  [ "$policy_is_ours" = 0 ] || as_root rm -f "$POLICY"
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -qq \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold "$@"
}

check_machine() {
  command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    fail "this needs Debian 12: there is no dpkg or apt-get here"
  local name=unknown
  name=$(. /etc/os-release 2>/dev/null && echo "${ID:-}-${VERSION_ID:-}") || true
  [ "$name" = debian-12 ] ||
    say "made for Debian 12; this is ${name}: package versions may differ"
  # Without it the configuration of Java, which Bazel runs on, fails.
  [ -r /proc/self/status ] ||
    fail "/proc is not mounted: mount -t proc proc /proc"
}

download_msgpack() {
  (cd "$scratch" && apt -o APT::Sandbox::User=root download "$MSGPACK")
}

# Unpacks the headers; whole or not at all.
unpack_msgpack() {
  [ ! -e "$MSGPACK_ROOT/include/msgpack.hpp" ] || return 0
  scratch=$(mktemp -d /tmp/mobula-setup.XXXXXX)
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "not root, and no sudo; as root: apt-get download $MSGPACK, and" \
      "dpkg-deb -x it so that $MSGPACK_ROOT/include is its usr/include"
  fi
  say "unpacking the headers of $MSGPACK to $MSGPACK_ROOT"
  download_msgpack || {
    apt update || true
    download_msgpack || fail "no $MSGPACK to be had"
  }
  dpkg-deb -x "$scratch"/"$MSGPACK"_*.deb "$scratch/root"
  as_root mkdir -p "$(dirname "$MSGPACK_ROOT")"
  as_root rm -rf "$MSGPACK_ROOT" "$MSGPACK_ROOT.new"
  as_root mkdir -m 755 "$MSGPACK_ROOT.new"
  as_root cp -r "$scratch/root/usr/include" "$MSGPACK_ROOT.new/include"
  as_root cp "$scratch/root/usr/share/doc/$MSGPACK/copyright" \
    "$MSGPACK_ROOT.new/copyright"
  as_root chmod -R a+rX "$MSGPACK_ROOT.new"
  as_root mv "$MSGPACK_ROOT.new" "$MSGPACK_ROOT"
}

# A folder of this run's own, where one is needed.
scratch=
clean_up() {
  allow_services
  [ -z "$scratch" ] || rm -rf "$scratch"
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  if [ "${#missing[@]}" = 0 ]; then
    say "all ${#PACKAGES[@]} packages are there"
    return
  fi
  say "missing: ${missing[*]}"
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    fail "not root, and no sudo; as root: apt-get install ${missing[*]}"
  fi
  refuse_services
  say "reading the package lists (apt-get update)"
  apt update || say "apt-get update failed; trying with the lists that are here"
  say "installing; the first time this fetches some 500 MB"
  apt install -y --no-install-recommends --no-remove "${missing[@]}" ||
    fail "apt-get failed; if it had to remove a package (libboost1.74-dev" \
      "conflicts with libboost1.81-dev), remove that yourself and try again"
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" = 0 ] || fail "still missing: ${missing[*]}"
  say "done"
}

main() {
  case "${1:-}" in
    --list)
      printf '%s\n' "${PACKAGES[@]}"
      return
      ;;
    --peers) PACKAGES+=("${PEER_PACKAGES[@]}") ;;
    '') ;;
    *) fail "usage: deploy/setup.sh [--list | --peers]" ;;
  esac
  check_machine
  trap clean_up EXIT
  install_packages
  unpack_msgpack
}

main "$@"
