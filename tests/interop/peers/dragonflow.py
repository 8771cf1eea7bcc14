"""Reimplements how Dragonflow's ZeroMQ driver packs and reads bytes (docs/dragonflow.md#wire-format)."""

import msgpack

FIELDS = ("table", "key", "action", "value", "topic")
SEND_ALL = "D"


def frames(event):
    """Two frames: the topic, and a map of exactly five fields whose text is in the old raw family (no str8, no bin)."""
    topic = event["topic"] or SEND_ALL
    packer = msgpack.Packer(use_bin_type=False)
    return [topic.encode("utf-8"), packer.pack({field: event[field] for field in FIELDS})]


def read(received):
    """The event in the received frames; raises where the genuine reader raises and then reconnects and synchronises.

    Stricter in one thing: a field that reaches the genuine callback as bytes is an error too.
    """
    topic, packed = received
    topic.decode("utf-8")
    entry = msgpack.unpackb(packed, raw=False, strict_map_key=False)
    event = {field: entry[field] for field in FIELDS}
    for field in ("table", "key", "action", "topic"):
        text = event[field]
        if not (isinstance(text, str) or (text is None and field != "action")):
            raise TypeError(f"{field} is {type(text).__name__}")
    return event
