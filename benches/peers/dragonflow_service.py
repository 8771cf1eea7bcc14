#!/usr/bin/env python3
"""What Dragonflow's publisher service does to each event, in our own words and without the rest of Dragonflow.

    dragonflow_service.py ipc:///path/of/socket

Two green threads, as in the original. One takes an event from the PULL socket, yields, unpacks the map, looks its five
fields up by name and puts them with the time of arrival on an unbounded queue. The other takes it from there, packs a
new map and gives topic and map to the PUB socket. Left out, all in favour of this peer: the northbound database, the
lease that the original looks at for each event, the table monitors, configuration and logging.

Prints `{"ready": true, "network": "tcp://..."}` when it takes events; ends on SIGTERM.
"""

import json
import os
import signal
import sys
import warnings

warnings.filterwarnings("ignore")  # eventlet warns at import that it is deprecated

import eventlet  # noqa: E402

eventlet.monkey_patch()

import collections  # noqa: E402
import queue  # noqa: E402
import time  # noqa: E402

import msgpack  # noqa: E402
from eventlet.green import zmq  # noqa: E402

Update = collections.namedtuple("Update", "table key action value topic timestamp")


def take(pull, updates):
    """From the workers' socket to the queue."""
    while True:
        eventlet.sleep(0)
        _frame, packed = pull.recv_multipart()
        entry = msgpack.unpackb(packed, raw=False)
        update = Update(
            entry["table"], entry["key"], entry["action"], entry["value"], entry["topic"] or "D", time.time()
        )
        updates.put(update)
        time.sleep(0)


def publish(updates, pub):
    """From the queue to the agents."""
    while True:
        update = updates.get(timeout=150)
        entry = {
            "table": update.table,
            "key": update.key,
            "action": update.action,
            "value": update.value,
            "topic": update.topic,
        }
        packed = msgpack.packb(entry, use_bin_type=False)
        pub.send_multipart([update.topic.encode("utf-8"), packed])
        time.sleep(0)


def main():
    # Green sockets are closed by nobody else, and a context with open sockets waits for them for ever.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    pull.bind(sys.argv[1])
    pub = context.socket(zmq.PUB)
    pub.setsockopt(zmq.LINGER, 0)
    # Without a bound: at libzmq's default of 1,000 events per subscriber the original drops what a burst brings.
    pub.setsockopt(zmq.SNDHWM, 0)
    port = pub.bind_to_random_port("tcp://127.0.0.1")
    print(json.dumps({"ready": True, "network": f"tcp://127.0.0.1:{port}"}), flush=True)
    updates = queue.Queue()
    eventlet.spawn(take, pull, updates)
    publish(updates, pub)


if __name__ == "__main__":
    main()
