"""The receiving half of a peer: one line per message, with its frames and the result of the genuine reader."""

import sys

import dragonflow
import lines
import zmq


def say_what_is_received(socket, obey=None):
    """Until the test closes stdin; `obey` is given the test's commands."""
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    lines.say({"ready": True})
    while True:
        ready = dict(poller.poll())
        if socket in ready:
            say_message(socket.recv_multipart())
        if sys.stdin.fileno() in ready:
            command = sys.stdin.buffer.raw.readline()
            if not command:
                return
            obey(lines.json.loads(command))


def say_message(received):
    line = {"frames": [frame.hex() for frame in received]}
    try:
        event = dragonflow.read(received)
        line.update(event, value=lines.plain(event["value"]))
    except Exception as error:
        line["raised"] = f"{type(error).__name__}: {error}"
    lines.say(line)
