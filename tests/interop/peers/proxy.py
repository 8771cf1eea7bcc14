"""A proxy between publishers and nodes: XSUB, connected, and XPUB, bound. Arguments: the publishers' endpoints.

It is libzmq's own device, which answers heartbeats by itself.
"""

import sys

import lines
import zmq

context = zmq.Context.instance()
front = context.socket(zmq.XSUB)
for endpoint in sys.argv[1:]:
    front.connect(endpoint)
back = context.socket(zmq.XPUB)
back.setsockopt(zmq.LINGER, 0)
back.bind("tcp://127.0.0.1:*")
lines.say({"ready": True, "endpoint": back.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")})
zmq.proxy(front, back)
