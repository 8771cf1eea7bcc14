"""A worker as Dragonflow has it: PUSH, connected to the service's socket. push.py ENDPOINT [HEARTBEAT_MS]"""

import sys

import lines
import sending
import zmq

socket = zmq.Context().socket(zmq.PUSH)
if len(sys.argv) > 2:
    socket.heartbeat_ivl = int(sys.argv[2])
socket.connect(sys.argv[1])
lines.say({"ready": True})
sending.send_what_is_heard(socket)
