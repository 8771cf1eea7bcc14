#!/usr/bin/env bash
# With "appendfsync everysec", the default of the append-only file, one expects that a write which the server confirmed survives the end of
# the server's process, and that only a crash of the host can cost the last second: the server calls write(2) before it replies, and the
# kernel keeps what was written. redis.conf describes the loss as one "of the last second" in a "disaster".
#
# Redis 7.0.15 (Debian 12; aof.c, flushAppendOnlyFile) does not always call write(2) before it replies: while an fsync of an earlier second
# is running, it postpones the write by up to two seconds, and replies all the same. If the process is killed then, the confirmed
# write is gone although the host did not crash. A slow disk is enough. Here, strace makes each fdatasync take 1.5 s.
# With "appendfsync always" the write is there.
#
# Output seen:
#   everysec: SET first OK, SET second OK, kill -9, restart: first=1 second=
#   always: SET first OK, SET second OK, kill -9, restart: first=1 second=2
set -euo pipefail
for tool in redis-server redis-cli strace; do
    command -v "$tool" >/dev/null || apt-get install -y -q redis-server strace >/dev/null
done
[[ $(redis-server --version) == *v=7.0.15* ]] || { echo "another version: $(redis-server --version)" >&2; exit 2; }
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill -9 "$server" 2>/dev/null; rm -rf "$folder"' EXIT
port=$((20000 + RANDOM % 10000))
cli() { redis-cli -p "$port" "$@" 2>/dev/null; }

start() {
    "$@" redis-server --port "$port" --bind 127.0.0.1 --dir "$folder" --save "" --appendonly yes --appendfsync "$policy" \
        --logfile "$folder/log" >/dev/null 2>&1 &
    for _ in $(seq 100); do
        [[ $(cli PING) == PONG ]] && break
        sleep 0.1
    done
    server=$(cli INFO server | sed -n 's/^process_id:\([0-9]*\).*/\1/p')
}

rows_after_a_kill() {
    policy=$1
    rm -rf "$folder/appendonlydir"
    start strace -f -qq -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_enter=1500000
    local first second
    first=$(cli SET first 1)
    # The next second's fsync, of the first write, is running.
    sleep 1.2
    second=$(cli SET second 2)
    kill -9 "$server"
    while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
    start env
    echo "$policy: SET first $first, SET second $second, kill -9, restart: first=$(cli GET first) second=$(cli GET second)"
    kill -9 "$server"
    while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
}

seen=$(rows_after_a_kill everysec; rows_after_a_kill always)
echo "$seen"
wanted='everysec: SET first OK, SET second OK, kill -9, restart: first=1 second=
always: SET first OK, SET second OK, kill -9, restart: first=1 second=2'
[[ $seen == "$wanted" ]]
