"""The live plot of signals: a place on the graph where a viewer may look."""

from __future__ import annotations

from typing import Any, ClassVar

from syntalos_miniscope.node import Context, In, Node, Policy
from syntalos_miniscope.streams import FloatSignalBlock


class StreamPlot(Node):
    """Counts the samples that reach it; the curves are drawn by whoever taps `signal-in`."""

    inputs: ClassVar[tuple[In, ...]] = (
        In("signal-in", "Signal", FloatSignalBlock, Policy.NEWEST, depth=256),
    )

    def on_data(self, ctx: Context, port: str, item: Any) -> None:
        """Count the samples of a block."""
        ctx.count("samples", len(item.timestamps))
