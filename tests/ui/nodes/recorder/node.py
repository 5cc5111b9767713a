"""A box for tests of the editor."""

from syntalos_miniscope.node import In, Node
from syntalos_miniscope.streams import Frame


class Recorder(Node):
    """Counts frames as if it kept them."""

    inputs = (In("frames-in", "Frames", Frame),)

    def on_data(self, ctx, port, item):
        ctx.count("frames")
