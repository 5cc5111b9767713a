"""What travels on wires: frames, blocks of signals, table rows and commands.

Every item is frozen, and the arrays inside it are read-only from the moment it is made: an item
is handed to many boxes at once and never copied on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

MetadataValue = bool | int | float | str | tuple[int, int] | Sequence[str]
"""What a stream can say about itself; the kinds that Syntalos's link can carry as well."""

Metadata = Mapping[str, MetadataValue]
"""Facts about one stream, set in `prepare` by the box that emits it, such as `framerate`."""


def names_in(metadata: Metadata, key: str) -> list[str]:
    """Give the names that a stream lists, such as its `signal_names`; none if it lists none."""
    names = metadata.get(key)
    if isinstance(names, str) or not isinstance(names, Sequence):
        return []
    return [str(name) for name in names]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image.

    `index` counts frames received plus frames known to be lost before this one, so it strictly
    increases and a gap is a drop. `time_us` is run time. `mat` is uint8 (H, W), uint8 (H, W, 3)
    in BGR order, or uint16 (H, W), C-contiguous; the constructor locks it against writing and
    raises ValueError for any other shape or type.
    """

    index: int
    time_us: int
    mat: NDArray[np.uint8] | NDArray[np.uint16]

    def __post_init__(self) -> None:
        """Refuse what a wire cannot carry, and lock the rest."""
        mat = self.mat
        colour = mat.ndim == 3 and mat.shape[2] == 3 and mat.dtype == np.uint8
        grey = mat.ndim == 2 and mat.dtype.kind == "u" and mat.dtype.itemsize <= 2
        if not (colour or grey) or not mat.flags.c_contiguous:
            raise ValueError(
                f"a frame is C-contiguous uint8 (H, W) or (H, W, 3), or uint16 (H, W); "
                f"this is {mat.dtype} {mat.shape}"
            )
        mat.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class FloatSignalBlock:
    """A few samples of some channels.

    `timestamps` is int64 (samples,) in the stream's own `time_unit`; `data` is float32
    (samples, channels). ValueError if the two do not match.
    """

    timestamps: NDArray[np.int64]
    data: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse what does not match, and lock the rest."""
        times, data = self.timestamps, self.data
        if times.dtype != np.int64 or data.dtype != np.float32:
            raise ValueError(
                f"a block is int64 times and float32 data, not {times.dtype}, {data.dtype}"
            )
        if data.ndim != 2 or times.shape != data.shape[:1]:
            raise ValueError(f"{times.shape} times do not fit data of shape {data.shape}")
        times.flags.writeable = False
        data.flags.writeable = False


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table, as text; the header is the stream's metadata `table_header`."""

    cells: tuple[str, ...]


class ControlKind(StrEnum):
    """What a control command asks for."""

    START = "start"
    PAUSE = "pause"
    STOP = "stop"
    STEP = "step"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Control:
    """A command from one box to another; `command` is the text of a custom one."""

    kind: ControlKind
    command: str = ""


Item = Frame | FloatSignalBlock | TableRow | Control
ItemType = type[Frame] | type[FloatSignalBlock] | type[TableRow] | type[Control]
