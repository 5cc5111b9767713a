"""A box for tests of the editor."""

from syntalos_miniscope.node import In, Node, Settings
from syntalos_miniscope.streams import Frame


class Traces(Node):
    """Reads regions."""

    inputs = (In("frames-in", "Frames", Frame),)

    class Settings(Settings):
        rois: str = ""
