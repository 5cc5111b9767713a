"""Which view suits a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from syntalos_miniscope.scope import QUATERNION_NAMES
from syntalos_miniscope.streams import FloatSignalBlock, Frame, ItemType, TableRow
from syntalos_miniscope_ui.viewers.frames import FrameView
from syntalos_miniscope_ui.viewers.orientation import OrientationView
from syntalos_miniscope_ui.viewers.rows import RowsView
from syntalos_miniscope_ui.viewers.signals import SignalView


class Viewer(Protocol):
    """A widget that draws a stream."""

    port_depth: int
    """How many items it wants at a time, at most."""

    def begin(self, metadata: Mapping[str, Any]) -> None:
        """Get ready for a stream that says this about itself."""
        ...

    def show_items(self, items: Sequence[Any], seen: int, unseen: int) -> None:
        """Draw what came; `seen` and `unseen` count the stream so far."""
        ...


def viewer_for(
    item_type: ItemType, metadata: Mapping[str, Any]
) -> FrameView | SignalView | RowsView | OrientationView | None:
    """Make the view of a stream; None for what cannot be seen, such as commands."""
    if item_type is Frame:
        return FrameView()
    if item_type is TableRow:
        return RowsView()
    if item_type is FloatSignalBlock:
        names = tuple(metadata.get("signal_names", ()))
        return OrientationView() if names[:4] == QUATERNION_NAMES else SignalView()
    return None
