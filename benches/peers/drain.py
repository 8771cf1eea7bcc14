#!/usr/bin/env python3
"""The receiving end of Dragonflow, in our own words: reads, unpacks, looks the five fields up; here it checks and counts.

    drain.py tcp://127.0.0.1:PORT EVENTS LATENCY_EVENTS

Prints `{"connected": true}` at the first probe, `{"burst_ended_ns": ...}` at the last of EVENTS, and, after the last of
LATENCY_EVENTS, what was missing or out of place and every latency; then it ends.
"""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")  # eventlet warns at import that it is deprecated

import eventlet  # noqa: E402
import msgpack  # noqa: E402
from eventlet.green import zmq  # noqa: E402

PROBE = 2**64 - 1


def report(what):
    print(json.dumps(what), flush=True)


class Ledger:
    """Every event once, in order; the same rules as laboratory/src/bench/ledger.rs."""

    def __init__(self, events, latency_events):
        self.burst_end, self.end = events, events + latency_events
        self.following = self.missing = self.out_of_place = 0
        self.connected = False
        self.latencies_us = []

    def take(self, table, key, action, value, topic):
        index, sent_ns = int(value[:16], 16), int(value[16:32], 16)
        if index == PROBE:
            if not self.connected:
                self.connected = True
                report({"connected": True})
            return
        if index < self.following:
            self.out_of_place += 1
            return
        self.missing += index - self.following
        self.following = index + 1
        if index >= self.burst_end:
            self.latencies_us.append((time.monotonic_ns() - sent_ns) / 1000)
        elif self.following == self.burst_end:
            report({"burst_ended_ns": time.monotonic_ns()})


def main():
    ledger = Ledger(int(sys.argv[2]), int(sys.argv[3]))
    context = zmq.Context()
    sub = context.socket(zmq.SUB)
    sub.setsockopt(zmq.RCVHWM, 0)  # without a bound, as the service: nothing may be dropped here
    sub.connect(sys.argv[1])
    sub.setsockopt(zmq.SUBSCRIBE, b"D")
    while ledger.following < ledger.end:
        eventlet.sleep(0)
        _frame, packed = sub.recv_multipart()
        entry = msgpack.unpackb(packed, raw=False)
        ledger.take(entry["table"], entry["key"], entry["action"], entry["value"], entry["topic"])
    report(
        {
            "missing": ledger.missing,
            "out_of_place": ledger.out_of_place,
            "latencies_us": ledger.latencies_us,
        }
    )
    sub.close(linger=0)
    context.term()


if __name__ == "__main__":
    main()
