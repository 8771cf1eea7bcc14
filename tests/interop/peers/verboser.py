"""A proxy between a publisher and its nodes: XSUB, connected, and XPUB, bound, which passes every subscription on.

A line for each message from the publisher, as of a node. Arguments: asked.py.
"""

import sys

import asked
import lines
import receiving
import zmq

wanted = asked.read()
upstream = asked.socket_for(wanted, zmq.XSUB)
upstream.connect(wanted.endpoint)
downstream = upstream.context.socket(zmq.XPUB)
# ZMQ_XPUB_VERBOSER: each SUBSCRIBE and CANCEL of each node is passed on, not the first and the last of a topic alone.
downstream.setsockopt(zmq.XPUB_VERBOSER, 1)
downstream.bind("tcp://127.0.0.1:*")
lines.say({"ready": True, "network": downstream.last_endpoint.rstrip(b"\0").decode()})

poller = zmq.Poller()
for source in (upstream, downstream, sys.stdin.fileno()):
    poller.register(source, zmq.POLLIN)
while True:
    ready = dict(poller.poll())
    if upstream in ready:
        message = upstream.recv_multipart()
        receiving.say_message(message)
        downstream.send_multipart(message)
    if downstream in ready:
        upstream.send_multipart(downstream.recv_multipart())
    if sys.stdin.fileno() in ready and not sys.stdin.buffer.raw.readline():
        break
