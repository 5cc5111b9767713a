"""The live view of frames: a place on the graph where a viewer may look."""

from __future__ import annotations

from typing import Any, ClassVar

from syntalos_miniscope.node import Context, In, Node, Policy
from syntalos_miniscope.streams import Control, Frame


class Canvas(Node):
    """Counts what reaches it; the picture is drawn by whoever taps `frames-in`.

    A viewer that taps `control-in` too freezes its picture on `pause` and `stop`, goes on at
    `start`, and shows one frame more at `step`.
    """

    inputs: ClassVar[tuple[In, ...]] = (
        In("frames-in", "Frames", Frame, Policy.NEWEST, depth=2),
        In("control-in", "Control", Control),
    )

    def on_data(self, ctx: Context, port: str, item: Any) -> None:
        """Count a frame or a command."""
        ctx.count("frames" if port == "frames-in" else "commands")
