#!/usr/bin/env bash
# One would expect: a libzmq SUB that calls setsockopt(ZMQ_SUBSCRIBE) 3,000 times asks its publisher for 3,000 topics. Each call
# succeeds, and ZMQ_SNDHWM is documented as the limit of outbound messages, of which a SUB has none.
#
# pyzmq 27.1.0 with libzmq 4.3.5: subscriptions travel through the SUB's outbound pipe, and what exceeds ZMQ_SNDHWM (1,000 by
# default) at that moment is dropped without an error, whether the calls come before or after connect (xsub_t::xsend in
# src/xsub.cpp hands them to dist_t, which skips a pipe that is full). With ZMQ_SNDHWM set to 0 all arrive.
#
# Output seen:
#   default SNDHWM, connected first:  999 of 3000 arrived
#   default SNDHWM, subscribed first: 1000 of 3000 arrived
#   SNDHWM 0, connected first:        3000 of 3000 arrived
# (the first and the second figure vary by a few). Exits 1 if that changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0

"$folder/python/bin/python" - <<'PYTHON'
import sys
import zmq

TOPICS = 3000


def arrived(hwm, connects_first):
    """How many subscriptions an XPUB receives that has no limit itself."""
    context = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.setsockopt(zmq.RCVHWM, 0)
    endpoint = f"tcp://127.0.0.1:{publisher.bind_to_random_port('tcp://127.0.0.1')}"
    subscriber = context.socket(zmq.SUB)
    if hwm is not None:
        subscriber.setsockopt(zmq.SNDHWM, hwm)
    if connects_first:
        subscriber.connect(endpoint)
        # The connection stands when one subscription has arrived.
        subscriber.setsockopt(zmq.SUBSCRIBE, b"first")
        publisher.recv()
    for number in range(TOPICS):
        subscriber.setsockopt(zmq.SUBSCRIBE, b"topic-%d" % number)
    if not connects_first:
        subscriber.connect(endpoint)
    topics = set()
    while publisher.poll(2000):
        topics.add(publisher.recv())
    context.destroy(linger=0)
    return len(topics)


print("libzmq", zmq.zmq_version())
default_connected = arrived(None, True)
default_before = arrived(None, False)
unlimited = arrived(0, True)
print(f"default SNDHWM, connected first:  {default_connected} of {TOPICS} arrived")
print(f"default SNDHWM, subscribed first: {default_before} of {TOPICS} arrived")
print(f"SNDHWM 0, connected first:        {unlimited} of {TOPICS} arrived")
sys.exit(0 if default_before < TOPICS and unlimited == TOPICS else 1)
PYTHON
