#!/bin/bash
# Makes the base image of deploy/docker/Dockerfile where no registry of images
# can be reached, from the packages of this machine's own apt mirror:
#
#   deploy/docker/base-image.sh [IMAGE]      mobula-base unless said otherwise
#
# Needs root, debootstrap and a running Docker (deploy/setup.sh installs both).
# What it makes in between lies in a temporary folder, and goes with it.
set -euo pipefail

# What mobula and programs made with it need when they run.
PACKAGES=libstdc++6,libspdlog1.10,libfmt9,zlib1g,ca-certificates

say() { printf 'base-image: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

case "${1:-}" in
  -*)
    echo "usage: deploy/docker/base-image.sh [IMAGE]" >&2
    exit 2
    ;;
esac
image=${1:-mobula-base}

[ "$(id -u)" = 0 ] || fail "debootstrap needs root: sudo $0 $image"
for program in debootstrap docker apt-get; do
  command -v "$program" >/dev/null ||
    fail "there is no $program here; deploy/setup.sh installs it"
done
docker version >/dev/null 2>&1 ||
  fail "Docker does not answer (docker version): is dockerd running?"

# Where this machine has its own packages from.
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(REPO_URI)' \
  "Created-By: Packages" "Codename: $suite" "Component: main" | head -n 1)
[ -n "$mirror" ] || fail "apt knows no mirror of $suite: see sources.list(5)"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mobula-base.XXXXXX")
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT TERM

say "unpacking $suite"
debootstrap --variant=minbase --include="$PACKAGES" "$suite" "$scratch/root" \
  "$mirror" >"$scratch/log" 2>&1 || {
  tail -n 20 "$scratch/log" >&2
  fail "debootstrap failed"
}
# What no container needs.
rm -rf "$scratch/root"/var/cache/apt/archives/*.deb \
  "$scratch/root"/var/lib/apt/lists/* \
  "$scratch/root"/usr/share/{doc,man,locale,info}/* \
  "$scratch/root"/var/log/*.log

tar --numeric-owner -C "$scratch/root" -c . |
  docker import --change 'CMD ["/bin/sh"]' - "$image" >/dev/null
say "$image is there: $(docker image inspect -f '{{.Size}}' "$image" |
  awk '{printf "%d MB", $1 / 1000000}')"
