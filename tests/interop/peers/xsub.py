"""A node that says what it likes to the publisher: XSUB, connected. xsub.py ENDPOINT"""

import sys

import lines
import sending
import zmq

socket = zmq.Context().socket(zmq.XSUB)
socket.connect(sys.argv[1])
lines.say({"ready": True})
sending.send_what_is_heard(socket)
