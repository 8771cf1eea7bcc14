#!/usr/bin/env python3
"""How fast is the whole way in Python: a pusher, dragonflow_service.py, and N drains, each a process of its own?

    whole.py SUBSCRIBERS EVENTS VALUE_BYTES RATE LATENCY_EVENTS

One run, with the same load and checks as `skimmer bench`, which calls it (`--whole`) and reads the JSON that it prints.
This process is the pusher. No window holds it back: no socket on the way has a bound that drops, and PUSH blocks.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")  # eventlet warns at import that it is deprecated

import eventlet  # noqa: E402
import msgpack  # noqa: E402
from eventlet.green import zmq  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = 2**64 - 1
SPIN_NS = 150_000  # as skimmer/src/bench/clock.rs
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Pusher:
    """An API worker: packs as Dragonflow does, sends, yields."""

    def __init__(self, context, address, value_bytes):
        self.socket = context.socket(zmq.PUSH)
        self.socket.connect(address)
        self.padding = "x" * (value_bytes - 32)

    def send(self, index, sent_ns):
        value = f"{index:016x}{sent_ns:016x}{self.padding}"
        entry = {"table": "lport", "key": "port-1", "action": "set", "value": value, "topic": "D"}
        self.socket.send_multipart([b"D", msgpack.packb(entry, use_bin_type=False)])
        eventlet.sleep(0)


def start(name, *arguments):
    """A child, which ends with this process, however that ends."""
    command = [sys.executable, os.path.join(HERE, name), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def say(process):
    """The next line that a child prints."""
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args[1]} ended too early")
    return json.loads(line)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def wait_until(ns):
    left = ns - time.monotonic_ns() - SPIN_NS
    if left > 0:
        time.sleep(left / 1e9)
    while time.monotonic_ns() < ns:
        pass


def run(subscribers, events, value_bytes, rate, latency_events, folder):
    """Starts everything, measures, ends everything."""
    address = f"ipc://{folder}/whole.sock"
    context = zmq.Context()
    pusher = Pusher(context, address, value_bytes)
    children = [start("dragonflow_service.py", address)]
    try:
        service = children[0]
        endpoint = say(service)["network"]
        drains = [start("drain.py", endpoint, events, latency_events) for _ in range(subscribers)]
        children += drains
        connect(pusher, drains)
        before = cpu_seconds(service.pid)
        started = time.monotonic_ns()
        for index in range(events):
            pusher.send(index, 0)
        seconds = (max(say(drain)["burst_ended_ns"] for drain in drains) - started) / 1e9
        cpu = cpu_seconds(service.pid) - before
        pace(pusher, events, rate, latency_events)
        ends = [say(drain) for drain in drains]
        return {
            "seconds": seconds,
            "service_cpu_seconds": cpu,
            "service_peak_rss_bytes": peak_rss_bytes(service.pid),
            "missing": sum(one["missing"] for one in ends),
            "out_of_place": sum(one["out_of_place"] for one in ends),
            "unreadable": 0,
            "latencies_us": [us for one in ends for us in one["latencies_us"]],
        }
    finally:
        end(children)
        pusher.socket.close(linger=0)
        context.term()


def connect(pusher, drains):
    """Probes until every drain has reported that it is connected."""
    waiting = list(drains)
    deadline = time.monotonic() + 20
    for drain in waiting:
        os.set_blocking(drain.stdout.fileno(), False)
    while waiting:
        if time.monotonic() > deadline:
            raise RuntimeError("not all drains were connected within 20 s")
        pusher.send(PROBE, 0)
        time.sleep(0.05)
        waiting = [drain for drain in waiting if not drain.stdout.readline()]
    for drain in drains:
        os.set_blocking(drain.stdout.fileno(), True)


def pace(pusher, begin, rate, latency_events):
    """At a fixed rate; each event carries the time at which it was meant to be sent."""
    interval = int(1e9 / rate)
    first = time.monotonic_ns() + interval
    for turn in range(latency_events):
        intended = first + turn * interval
        wait_until(intended)
        pusher.send(begin + turn, intended)


def end(children):
    """Each by its own id; by force if it does not end."""
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def main():
    # Ends through `finally`, which ends the children.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    subscribers, events, value_bytes = map(int, sys.argv[1:4])
    rate, latency_events = float(sys.argv[4]), int(sys.argv[5])
    with tempfile.TemporaryDirectory(prefix="skimmer-bench-whole-") as folder:
        print(json.dumps(run(subscribers, events, value_bytes, rate, latency_events, folder)))


if __name__ == "__main__":
    main()
