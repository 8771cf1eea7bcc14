"""A worker like Dragonflow's: PUSH, connected to the service's socket. Arguments: asked.py."""

import asked
import lines
import sending
import zmq

wanted = asked.read()
socket = asked.socket_for(wanted, zmq.PUSH)
socket.connect(wanted.endpoint)
lines.say({"ready": True})
sending.send_what_is_heard(socket)
