"""The messages between the test and its peers: one JSON object per line, on stdin and stdout."""

import json
import math
import sys
import threading

import msgpack

writing = threading.Lock()


def say(line):
    with writing:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def heard():
    """The commands, until the test closes stdin."""
    for line in sys.stdin.buffer:
        yield json.loads(line)


def plain(value):
    """A msgpack value as JSON; values that JSON does not have are written as skimmer writes them."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, msgpack.ExtType):
        return {"$ext": [value.code, value.data.hex()]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value).replace("nan", "NaN")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
