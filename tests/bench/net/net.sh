#!/usr/bin/env bash
# Rows 12 to 14 of docs/performance.md: calls and values between nodes, each in a
# network namespace of its own, all on one bridge, beside TCP and TLS between the
# same namespaces, in turn.
#
#   tests/bench/net/net.sh [--nodes N] [--rounds N] [--seconds S] [--bytes B]
#                          [--json FILE]
#
# Needs root and iproute2. What it made is removed when it ends. --nodes is how
# many there are (default 2; bcast is measured from 3 on).
set -euo pipefail
cd "$(dirname "$0")/../../.."

nodes=2 rounds=3 seconds=1 bytes=$((1 << 30)) json=()
misused() {
  sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || misused
  case "$1" in
    --nodes) nodes=$2 ;;
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --bytes) bytes=$2 ;;
    --json) json=(--json "$(realpath -m "$2")") ;;
    *) misused ;;
  esac
  shift 2
done
[[ $nodes =~ ^[0-9]+$ && $nodes -ge 2 && $nodes -le 100 ]] || misused
[[ $rounds =~ ^[1-9][0-9]*$ && $seconds =~ ^[0-9.]+$ ]] || misused
[[ $bytes =~ ^[1-9][0-9]*$ ]] || misused
[ "$(id -u)" = 0 ] || { echo "net.sh: namespaces need root" >&2; exit 1; }
command -v ip >/dev/null ||
  { echo "net.sh: apt-get install iproute2" >&2; exit 1; }

${BAZEL:-bazel} build -c opt //cli:mobula //tests/bench/net:net_calls \
  //tests/bench/net:net_floors
bin=$(bazel info -c opt bazel-bin 2>/dev/null)
mobula=$bin/cli/mobula
folder=$(mktemp -d /tmp/mbn.XXXXXX)
name=mbn$$
export MOBULA_BENCH_MARK=$name
unset MOBULA_ADDRESS

# on I COMMAND...: in namespace I, with the folders of that node.
on() {
  local i=$1
  shift
  ip netns exec "$name-$i" env "XDG_RUNTIME_DIR=$folder/$i/run" \
    "XDG_STATE_HOME=$folder/$i/state" "$@"
}
clean_up() {
  local i
  for i in $(seq "$nodes" -1 1); do
    on "$i" "$mobula" stop --all >/dev/null 2>&1 || true
    ip netns del "$name-$i" 2>/dev/null || true
  done
  ip netns del "$name-hub" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The bridge has a namespace too: in this machine's own, rules of its firewall (of
# Docker, say) would hold for what goes through it.
ip netns add "$name-hub"
ip -n "$name-hub" link add hub type bridge
ip -n "$name-hub" link set hub up
for i in $(seq "$nodes"); do
  mkdir -p -m 700 "$folder/$i/run" "$folder/$i/state"
  ip netns add "$name-$i"
  ip -n "$name-hub" link add "v$i" type veth peer name eth0 netns "$name-$i"
  ip -n "$name-hub" link set "v$i" master hub up
  ip -n "$name-$i" link set lo up
  ip -n "$name-$i" addr add "10.211.7.$i/24" dev eth0
  ip -n "$name-$i" link set eth0 up
done

on 1 "$mobula" start --head --dir "$folder/store" --cpus 2 \
  --listen tls:10.211.7.1:7000 >&2
for i in $(seq 2 "$nodes"); do
  on 1 "$mobula" token create --out "$folder/token$i" >&2
  on "$i" "$mobula" start --address tls:10.211.7.1:7000 --cpus 2 \
    --token-file "$folder/token$i" >&2
done

echo "machine: $(nproc) CPUs, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
  head -n 1), Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
for round in $(seq "$rounds"); do
  echo "round $round of $rounds" >&2
  "$bin/tests/bench/net/net_floors" "$name-1" "$name-2" 10.211.7.2 \
    "$seconds" "$bytes" | sed 's/^/floor /'
  on 1 "$bin/tests/bench/net/net_calls" "$seconds" "$bytes" |
    sed 's/^/mobula /'
done >"$folder/lines"
python3 tests/bench/report.py "${json[@]}" <"$folder/lines"
