#!/usr/bin/env python3
"""How fast is the whole way in Python: a pusher, dragonflow_service.py, and N drains, each a process of its own?

    whole.py --subscribers 1,10 > whole.json

The same load and checks as `skimmer bench`, and the same shape of JSON, which `skimmer bench --beside` reads. This
process is the pusher. No window holds it back: no socket on the way has a bound that drops, and PUSH blocks.
"""

import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")  # eventlet says at import that it is deprecated

import eventlet  # noqa: E402
import msgpack  # noqa: E402
from eventlet.green import zmq  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = 2**64 - 1
SPIN_NS = 150_000  # as skimmer/src/bench/clock.rs
PERCENTILES = [1, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99]


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
    command = [sys.executable, os.path.join(HERE, name), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)


def say(process):
    """The next line that a child says."""
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args[1]} ended too early")
    return json.loads(line)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_rss_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def wait_until(ns):
    left = ns - time.monotonic_ns() - SPIN_NS
    if left > 0:
        time.sleep(left / 1e9)
    while time.monotonic_ns() < ns:
        pass


def percentile(ordered, percent):
    """The smallest value that `percent` of all do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def run(options, subscribers, folder):
    """One run: everything anew, then ended. The figures, and all latencies."""
    address = f"ipc://{folder}/whole.sock"
    latency_events = int(options.rate * options.latency_seconds)
    context = zmq.Context()
    pusher = Pusher(context, address, options.value_bytes)
    children = [start("dragonflow_service.py", address)]
    try:
        service = children[0]
        endpoint = say(service)["network"]
        drains = [start("drain.py", endpoint, options.events, latency_events) for _ in range(subscribers)]
        children += drains
        connect(pusher, drains)
        before = cpu_seconds(service.pid)
        started = time.monotonic_ns()
        for index in range(options.events):
            pusher.send(index, 0)
        took = (max(say(drain)["burst_ended_ns"] for drain in drains) - started) / 1e9
        cpu = cpu_seconds(service.pid) - before
        pace(pusher, options, latency_events)
        ends = [say(drain) for drain in drains]
        peak = peak_rss_mib(service.pid)
    finally:
        end(children)
        pusher.socket.close(linger=0)
        context.term()
    latencies = sorted(us for one in ends for us in one["latencies_us"])
    deliveries = options.events * subscribers
    figures = {
        "events_per_second": options.events / took,
        "deliveries_per_second": deliveries / took,
        "service_cpu_us_per_delivery": cpu * 1e6 / deliveries,
        "service_peak_rss_mib": peak,
        "latency_us": {
            name: percentile(latencies, percent)
            for name, percent in [("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100)]
        },
        "missing": sum(one["missing"] for one in ends),
        "out_of_place": sum(one["out_of_place"] for one in ends),
        "unreadable": 0,
    }
    return figures, latencies


def connect(pusher, drains):
    """Probes until every drain has said that it is connected."""
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


def pace(pusher, options, latency_events):
    """At a fixed rate; each event carries the time at which it was meant to be sent."""
    interval = int(1e9 / options.rate)
    first = time.monotonic_ns() + interval
    for turn in range(latency_events):
        intended = first + turn * interval
        wait_until(intended)
        pusher.send(options.events + turn, intended)


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


def medians(runs):
    """Each figure by itself."""
    median = {
        name: statistics.median(one[name] for one in runs)
        for name in [
            "events_per_second",
            "deliveries_per_second",
            "service_cpu_us_per_delivery",
            "service_peak_rss_mib",
        ]
    }
    median["latency_us"] = {
        name: statistics.median(one["latency_us"][name] for one in runs) for name in runs[0]["latency_us"]
    }
    return median


def point(options, subscribers, folder):
    runs, latencies = [], []
    for turn in range(options.runs):
        print(f"whole.py: {subscribers} subscribers, run {turn + 1}/{options.runs}", file=sys.stderr)
        figures, some = run(options, subscribers, folder)
        runs.append(figures)
        latencies += some
    latencies.sort()
    last = 100 - 100 / len(latencies)
    return {
        "subscribers": subscribers,
        "events": options.events,
        "window": 0,
        "runs": runs,
        "median": medians(runs),
        "latency_curve": [[p, percentile(latencies, p)] for p in PERCENTILES if p <= last],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subscribers", default="1,10")
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--value-bytes", type=int, default=200)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--latency-seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    # Ends through `finally`, which ends the children.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="skimmer-bench-whole-") as folder:
        points = [point(options, int(n), folder) for n in options.subscribers.split(",")]
    series = {
        "name": "all in Python",
        "service": "dragonflow_service.py",
        "ends": "Python pusher and drains, a process each",
        "points": points,
    }
    print(json.dumps({"series": [series]}, indent=2))
    faults = sum(one[name] for p in points for one in p["runs"] for name in ("missing", "out_of_place"))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
