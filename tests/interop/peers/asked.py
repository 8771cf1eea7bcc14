"""The command-line options that every peer has, and the socket with these options.

    PEER.py [--type TYPE] [--heartbeat MS --dead-after MS] [--identity TEXT] [--monitor]
        [--mechanism PLAIN|CURVE [--secret KEY] [--server-key KEY]] ENDPOINT [TOPIC …]
"""

import argparse
import threading

import lines
import zmq
from zmq.utils.monitor import recv_monitor_message


def read():
    parser = argparse.ArgumentParser()
    parser.add_argument("--type")
    parser.add_argument("--heartbeat", type=int)
    parser.add_argument("--dead-after", type=int)
    parser.add_argument("--identity")
    parser.add_argument("--monitor", action="store_true")
    parser.add_argument("--mechanism", choices=["PLAIN", "CURVE"])
    parser.add_argument("--secret")
    parser.add_argument("--server-key")
    parser.add_argument("endpoint")
    parser.add_argument("topics", nargs="*")
    return parser.parse_args()


def socket_for(asked, kind):
    """A socket of this type, or of the type in the options, not yet connected or bound."""
    socket = zmq.Context().socket(getattr(zmq, asked.type) if asked.type else kind)
    if asked.heartbeat:
        socket.heartbeat_ivl = asked.heartbeat
    if asked.dead_after:
        socket.heartbeat_timeout = asked.dead_after
        socket.heartbeat_ttl = asked.dead_after
    if asked.identity:
        socket.routing_id = asked.identity.encode()
    if asked.mechanism:
        secure(socket, asked)
    if asked.monitor:
        monitor = socket.get_monitor_socket()
        threading.Thread(target=report, args=(monitor,), daemon=True).start()
    return socket


def secure(socket, asked):
    """The side that binds, PUB and PULL, is the server of the mechanism. Without keys a peer has some that nobody knows."""
    serves, mechanism = socket.type in (zmq.PUB, zmq.PULL), asked.mechanism
    if mechanism == "PLAIN" and serves:
        socket.plain_server = True
    elif mechanism == "PLAIN":
        socket.plain_username, socket.plain_password = b"node", b"password"
    else:
        public, secret = zmq.curve_keypair()
        if asked.secret:
            secret = asked.secret.encode()
            public = zmq.curve_public(secret)
        socket.curve_publickey, socket.curve_secretkey = public, secret
        if serves:
            socket.curve_server = True
        else:
            socket.curve_serverkey = asked.server_key.encode() if asked.server_key else public


def report(monitor):
    """The events of libzmq's monitor, one line each."""
    while True:
        event = recv_monitor_message(monitor)["event"]
        if event == zmq.EVENT_MONITOR_STOPPED:
            monitor.close()
            return
        lines.say({"monitor": zmq.Event(event).name})
