#!/bin/bash
# joined: two namespaces reach one another, and nothing is left of them.
set -euo pipefail

joined=$1
fail() {
  echo "joined_test: $*" >&2
  exit 1
}

# A word goes from one namespace to the other and back.
code=0
said=$("$joined" 2 bash -c '
  "$JOINED" in 2 python3 -c "
import socket
listener = socket.create_server((\"10.78.0.2\", 7000))
print(\"listens\", flush=True)
one = listener.accept()[0]
one.sendall(one.recv(100).upper())" | (
  read -r listens
  "$JOINED" in 1 python3 -c "
import socket
one = socket.create_connection((\"10.78.0.2\", 7000))
one.sendall(b\"hello\")
print(one.recv(100).decode())")
  exit 7') || code=$?
[ "$said" = HELLO ] || fail "the other one said '$said'"
[ "$code" = 7 ] || fail "exit code $code"

# Killed, it takes all with it.
mark=joined_test.$$
MARK=$mark "$joined" 3 sh -c 'echo up; exec sleep 600' > >(
  read -r _; kill -9 "$(cat "$TEST_TMPDIR/pid")"; cat) &
echo $! >"$TEST_TMPDIR/pid"
wait $! 2>/dev/null || true
for _ in $(seq 200); do
  left=$(grep -lsz "^MARK=$mark$" /proc/[0-9]*/environ | wc -l) || true
  [ "$left" != 0 ] || break
  read -r -t 0.05 _ <> <(:) || true
done
[ "$left" = 0 ] || fail "$left processes are left of one that was killed"

"$joined" 0 true 2>/dev/null && fail "0 namespaces make no sense"
echo "joined_test: ok"
