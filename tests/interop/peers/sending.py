"""The sending half of a peer: one event per command, packed as Dragonflow does, or raw frames."""

import dragonflow
import lines


def send_what_is_heard(socket):
    for command in lines.heard():
        if "frames" in command:
            socket.send_multipart([bytes.fromhex(frame) for frame in command["frames"]])
        else:
            socket.send_multipart(dragonflow.frames(command["event"]))
    # With libzmq's default linger, this waits until everything is written.
    socket.close()
    socket.context.term()
