"""A publisher service's IPC end like Dragonflow's: PULL, bound. Arguments: asked.py."""

import asked
import receiving
import zmq

wanted = asked.read()
socket = asked.socket_for(wanted, zmq.PULL)
socket.bind(wanted.endpoint)
receiving.say_what_is_received(socket)
