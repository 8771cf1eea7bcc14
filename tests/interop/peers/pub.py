"""A publisher service's network end like Dragonflow's: PUB, bound, without hellos. Arguments: asked.py."""

import asked
import lines
import sending
import zmq

wanted = asked.read()
socket = asked.socket_for(wanted, zmq.PUB)
socket.bind(wanted.endpoint)
lines.say({"ready": True, "network": socket.last_endpoint.rstrip(b"\0").decode()})
sending.send_what_is_heard(socket)
