"""libzmq at its own speed with CURVE: PULL on a Unix socket, PUB over TCP that is a CURVE server, joined by zmq_proxy.

Arguments: the path of the socket, and the secret key of the server in Z85. Prints its address on stdout, and works until it is
ended. No ZAP handler: every client key is accepted. The high-water marks are 0, without limit, so that nothing is dropped.
"""

import json
import sys

import zmq

context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.setsockopt(zmq.RCVHWM, 0)
pull.bind("ipc://" + sys.argv[1])
pub = context.socket(zmq.PUB)
pub.setsockopt(zmq.SNDHWM, 0)
pub.setsockopt(zmq.BACKLOG, 4096)
pub.setsockopt(zmq.CURVE_SERVER, 1)
pub.setsockopt(zmq.CURVE_SECRETKEY, sys.argv[2].encode())
port = pub.bind_to_random_port("tcp://127.0.0.1")
print(json.dumps({"ready": True, "network": f"tcp://127.0.0.1:{port}"}), flush=True)
zmq.proxy(pull, pub)
