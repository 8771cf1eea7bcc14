"""A node like Dragonflow's: SUB, connected, with the transport's prefixes. Arguments: asked.py.

Commands: {"subscribe": TOPIC}, {"unsubscribe": TOPIC}, and of an XSUB {"frames": [HEX …]}.
"""

import os

import asked
import receiving
import zmq

wanted = asked.read()
socket = asked.socket_for(wanted, zmq.SUB)
socket.connect(wanted.endpoint)
for topic in wanted.topics:
    socket.subscribe(os.fsencode(topic))


def obey(command):
    if "subscribe" in command:
        socket.subscribe(command["subscribe"].encode())
    elif "frames" in command:
        socket.send_multipart([bytes.fromhex(frame) for frame in command["frames"]])
    else:
        socket.unsubscribe(command["unsubscribe"].encode())


receiving.say_what_is_received(socket, obey)
