"""A publisher service's network end as Dragonflow has it: PUB, bound, that never says hello. pub.py ENDPOINT"""

import sys

import lines
import sending
import zmq

socket = zmq.Context().socket(zmq.PUB)
socket.bind(sys.argv[1])
lines.say({"ready": True, "network": socket.last_endpoint.rstrip(b"\0").decode()})
sending.send_what_is_heard(socket)
