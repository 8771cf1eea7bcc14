#!/usr/bin/env bash
# One would expect: a ZMTP publisher treats the subscriptions of a connection as a set. libzmq relies on it: its SUB and XSUB send
# SUBSCRIBE each time the application subscribes to a prefix, and CANCEL once, when the last of these subscriptions is gone.
# A libzmq PUB stops at that CANCEL.
#
# Crate zeromq 0.7.0 with pyzmq 27.1.0 (libzmq 4.3.5): the crate's PubSocket keeps a list, to which each SUBSCRIBE adds one entry
# and from which a CANCEL removes one (`message_received` in src/pub.rs). A prefix that was subscribed to twice is sent for
# the life of the connection. A SUB drops these messages itself, so that only the traffic shows it; an XSUB receives them.
#
# Output seen:
#   libzmq PUB:       0 messages with the cancelled prefix
#   crate zeromq PUB: 20 messages with the cancelled prefix
# Exits 1 if that changes. Needs cargo.
set -euo pipefail

folder=$(mktemp -d)
publisher=
trap '[[ -z $publisher ]] || kill "$publisher" 2>/dev/null; rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0

mkdir -p "$folder/publisher/src"
cat >"$folder/publisher/Cargo.toml" <<'TOML'
[package]
name = "publisher"
version = "0.0.0"
edition = "2024"

[dependencies]
zeromq = "=0.7.0"
tokio = { version = "1", features = ["macros", "rt-multi-thread", "time"] }

[workspace]
TOML
cat >"$folder/publisher/src/main.rs" <<'RUST'
use zeromq::{Socket, SocketSend, ZmqMessage};

/// Publishes on the prefixes `twice` and `once` every 25 ms.
#[tokio::main]
async fn main() {
    let mut socket = zeromq::PubSocket::new();
    println!("{}", socket.bind("tcp://127.0.0.1:0").await.unwrap());
    loop {
        for topic in ["twice", "once"] {
            socket.send(ZmqMessage::from(topic)).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}
RUST
cargo build --quiet --manifest-path "$folder/publisher/Cargo.toml" --target-dir "$folder/target"
"$folder/target/debug/publisher" >"$folder/endpoint" &
publisher=$!
for _ in $(seq 100); do
    [[ -s $folder/endpoint ]] && break
    sleep 0.1
done

"$folder/python/bin/python" - "$(cat "$folder/endpoint")" <<'PYTHON'
import sys
import threading
import time
import zmq

WANTED = 20


def receive(subscriber, topic):
    """Receives until a message with this topic arrives, at most 10 s."""
    while subscriber.poll(10_000):
        if subscriber.recv() == topic:
            return
    sys.exit(f"no message with topic {topic!r} within 10 s")


def after_cancel(endpoint):
    """Counts messages on `twice` among WANTED on `once`, after both subscriptions to `twice` have ended."""
    subscriber = zmq.Context.instance().socket(zmq.XSUB)
    subscriber.connect(endpoint)
    subscriber.send(b"\x01twice")
    subscriber.send(b"\x01twice")
    receive(subscriber, b"twice")
    subscriber.send(b"\x00twice")
    subscriber.send(b"\x00twice")
    # Subscriptions are handled in order: once this one is in force, the CANCEL has been handled.
    subscriber.send(b"\x01once")
    receive(subscriber, b"once")
    cancelled = 0
    for _ in range(WANTED):
        while (topic := subscriber.recv()) != b"once":
            cancelled += topic == b"twice"
    subscriber.close(linger=0)
    return cancelled


def publish(publisher, ended):
    while not ended.is_set():
        publisher.send(b"twice")
        publisher.send(b"once")
        time.sleep(0.025)
    publisher.close(linger=0)


publisher = zmq.Context.instance().socket(zmq.PUB)
port = publisher.bind_to_random_port("tcp://127.0.0.1")
ended = threading.Event()
thread = threading.Thread(target=publish, args=(publisher, ended))
thread.start()
libzmq = after_cancel(f"tcp://127.0.0.1:{port}")
ended.set()
thread.join()
crate = after_cancel(sys.argv[1])
print(f"libzmq PUB:       {libzmq} messages with the cancelled prefix")
print(f"crate zeromq PUB: {crate} messages with the cancelled prefix")
sys.exit(0 if libzmq == 0 and crate >= WANTED else 1)
PYTHON
