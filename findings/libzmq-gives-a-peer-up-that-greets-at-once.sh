#!/usr/bin/env bash
# One would expect: a libzmq SUB with CURVE that meets a peer with NULL, as in the middle of a change to CURVE, goes on trying to
# connect, as it does after every other failure (ZMQ_RECONNECT_IVL).
#
# pyzmq 27.1.0 with libzmq 4.3.5: if the peer sends its whole greeting of 64 bytes at once, which ZMTP 3.1 allows (RFC 37,
# "greeting"), libzmq closes before it has sent its own mechanism and never connects again: session_base_t::engine_error in
# src/session_base.cpp terminates the session on protocol_error and reconnects only on connection_error. The application gets
# no notice. If the peer sends signature and major version, reads the mechanism, and closes, libzmq goes on trying.
#
# Output seen:
#   whole greeting at once: 1 connection in 5 s, and the peer has seen 10 of 64 bytes of libzmq's greeting
#   greeting in stages:     35 connections in 5 s, and the peer has seen CURVE
# (the second figure varies). Exits 1 if that changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0

"$folder/python/bin/python" - <<'PYTHON'
import socket
import sys
import time
import zmq

GREETING = (b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + b"NULL").ljust(64, b"\0")
SECONDS = 5


def meet(first):
    """A listener that sends `first`, reads what comes, and closes: how often it is connected to, and the most it has read."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    context = zmq.Context()
    subscriber = context.socket(zmq.SUB)
    subscriber.reconnect_ivl = 100
    public, secret = zmq.curve_keypair()
    subscriber.curve_publickey, subscriber.curve_secretkey = public, secret
    subscriber.curve_serverkey = public
    subscriber.subscribe(b"")
    subscriber.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    connections, most, end = 0, b"", time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            stream, _ = listener.accept()
        except TimeoutError:
            continue
        connections += 1
        stream.settimeout(0.5)
        read = b""
        try:
            stream.sendall(first)
            while len(read) < 64 and (part := stream.recv(64)):
                read += part
        except OSError:
            pass
        stream.close()
        most = max(most, read, key=len)
    context.destroy(linger=0)
    return connections, most


print("libzmq", zmq.zmq_version())
at_once, read_at_once = meet(GREETING)
in_stages, read_in_stages = meet(GREETING[:11])
print(f"whole greeting at once: {at_once} connection in {SECONDS} s, and the peer has seen",
      f"{len(read_at_once)} of 64 bytes of libzmq's greeting")
mechanism = read_in_stages[12:32].rstrip(b"\0").decode()
print(f"greeting in stages:     {in_stages} connections in {SECONDS} s, and the peer has seen {mechanism}")
sys.exit(0 if at_once == 1 and in_stages > 2 and mechanism == "CURVE" else 1)
PYTHON
