"""A node as Dragonflow has it: SUB, connected, with the transport's prefixes. sub.py ENDPOINT [TOPIC …]

Commands: {"subscribe": TOPIC}, {"unsubscribe": TOPIC}.
"""

import os
import sys

import receiving
import zmq

socket = zmq.Context().socket(zmq.SUB)
socket.connect(sys.argv[1])
for topic in sys.argv[2:]:
    socket.subscribe(os.fsencode(topic))


def obey(command):
    if "subscribe" in command:
        socket.subscribe(command["subscribe"].encode())
    else:
        socket.unsubscribe(command["unsubscribe"].encode())


receiving.say_what_is_received(socket, obey)
