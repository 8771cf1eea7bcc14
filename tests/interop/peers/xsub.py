"""A node that sends any frames to the publisher: XSUB, connected. Arguments: asked.py."""

import asked
import lines
import sending
import zmq

wanted = asked.read()
socket = asked.socket_for(wanted, zmq.XSUB)
socket.connect(wanted.endpoint)
lines.say({"ready": True})
sending.send_what_is_heard(socket)
