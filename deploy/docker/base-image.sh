#!/bin/bash
# Makes the base image of deploy/docker/Dockerfile where no registry of images
# can be reached, from the packages of this machine's own apt mirror:
#
#   deploy/docker/base-image.sh [IMAGE]      mobula-base unless said otherwise
#   deploy/docker/base-image.sh --installed [IMAGE]
#
# --installed takes the files of the same packages as they are on this machine
# instead: in seconds and without a network, but with what was changed here. It
# is for tests.
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

installed=0
if [ "${1:-}" = --installed ]; then
  installed=1
  shift
fi
case "${1:-}" in
  -*)
    echo "usage: deploy/docker/base-image.sh [--installed] [IMAGE]" >&2
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

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mobula-base.XXXXXX")
trap 'rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT TERM

# Those of debootstrap's smallest variant and PACKAGES, with all that they need.
installed_packages() {
  local wanted
  mapfile -t wanted < <(dpkg-query -W -f '${Essential} ${Package}\n' |
    sed -n 's/^yes //p'; printf 'passwd\n'; tr , '\n' <<<"$PACKAGES")
  apt-cache depends --recurse --installed --no-recommends --no-suggests \
    --no-conflicts --no-breaks --no-replaces --no-enhances "${wanted[@]}" |
    grep '^[a-z0-9]' | sort -u
}

# Fills $scratch/root with the files of packages that are installed here.
unpack_installed() {
  local root=$scratch/root package link
  mkdir "$root"
  mapfile -t packages < <(installed_packages)
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
      grep -qx installed || continue
    dpkg -L "$package" | sed -n 's|^/||p'
    mkdir -p "$root/var/lib/dpkg"
    dpkg-query -s "$package" >>"$root/var/lib/dpkg/status"
    echo >>"$root/var/lib/dpkg/status"
  done >"$scratch/files"
  for link in bin sbin lib lib32 lib64 libx32; do
    [ ! -L "/$link" ] || ln -s "usr/$link" "$root/$link"
  done
  # /lib is a link to usr/lib: what a package calls lib/x lies in usr/lib/x.
  sed -E '/^(bin|sbin|lib|lib32|lib64|libx32)$/d
          s#^(bin|sbin|lib|lib32|lib64|libx32)/#usr/\1/#' "$scratch/files" |
    grep -vE '^usr/share/(doc|man|locale|info)/' | sort -u |
    (cd / && while IFS= read -r file; do
      [ ! -e "$file" ] && [ ! -L "$file" ] || printf '%s\n' "$file"
    done) >"$scratch/there"
  tar -C / --no-recursion -T "$scratch/there" -c | tar -C "$root" -x
  cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
  cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
  (umask 077 && sed 's/:.*/:*:19000:0:99999:7:::/' "$root/etc/passwd" \
    >"$root/etc/shadow")
}

# From where this machine has its own packages.
unpack_from_mirror() {
  local suite mirror
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' \
    "Created-By: Packages" "Codename: $suite" "Component: main" | head -n 1)
  [ -n "$mirror" ] || fail "apt knows no mirror of $suite: see sources.list(5)"
  say "unpacking $suite"
  debootstrap --variant=minbase --include="$PACKAGES" "$suite" \
    "$scratch/root" "$mirror" >"$scratch/log" 2>&1 || {
    tail -n 20 "$scratch/log" >&2
    fail "debootstrap failed"
  }
}

if [ "$installed" = 1 ]; then
  unpack_installed
else
  unpack_from_mirror
fi
# What no container needs.
rm -rf "$scratch/root"/var/cache/apt/archives/*.deb \
  "$scratch/root"/var/lib/apt/lists/* \
  "$scratch/root"/usr/share/{doc,man,locale,info}/* \
  "$scratch/root"/var/log/*.log

tar --numeric-owner -C "$scratch/root" -c . |
  docker import --change 'CMD ["/bin/sh"]' - "$image" >/dev/null
say "$image is there: $(docker image inspect -f '{{.Size}}' "$image" |
  awk '{printf "%d MB", $1 / 1000000}')"
