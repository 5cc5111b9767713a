"""A box for tests of the editor."""

from syntalos_miniscope.node import In, Node, Out
from syntalos_miniscope.streams import Frame


class Blur(Node):
    """Hands frames on."""

    inputs = (In("frames-in", "Frames", Frame),)
    outputs = (Out("frames-out", "Frames", Frame),)

    def on_data(self, ctx, port, item):
        ctx.emit("frames-out", item)
