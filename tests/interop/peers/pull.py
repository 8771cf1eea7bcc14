"""A publisher service's IPC end as Dragonflow has it: PULL, bound. pull.py ENDPOINT"""

import sys

import receiving
import zmq

socket = zmq.Context().socket(zmq.PULL)
socket.bind(sys.argv[1])
receiving.say_what_is_received(socket)
