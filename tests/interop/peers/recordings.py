"""The MCAP reader of the package mcap: recordings.py

Reads the path of a recording from each line of stdin, and writes what is in it: the header and the statistics, then each message by
its index, a line each.
"""

import json
import sys

from mcap.reader import make_reader

for line in sys.stdin:
    with open(line.rstrip("\n"), "rb") as file:
        reader = make_reader(file, validate_crcs=True)
        statistics = reader.get_summary().statistics
        print(json.dumps({
            "profile": reader.get_header().profile,
            "messages": statistics.message_count,
            "chunks": statistics.chunk_count,
        }))
        for _, channel, message in reader.iter_messages():
            print(json.dumps({
                "channel": channel.topic,
                "encoding": channel.message_encoding,
                "at_ns": message.log_time,
                "published_ns": message.publish_time,
                "data": message.data.hex(),
            }), flush=True)
