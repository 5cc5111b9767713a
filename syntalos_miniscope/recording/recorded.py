"""A recording at rest, whatever its layout: frames with index and time, orientation, remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.video import Image, VideoReader
from syntalos_miniscope.streams import Frame

Layout = Literal["edl", "daq", "onix", "video", "zarr"]
Times = NDArray[np.int64]

FARTHEST_US = 10**15
"""31 years from the start of a recording: a time beyond is damage."""
FARTHEST = 2**48
"""A frame number beyond is damage."""


@dataclass(frozen=True, slots=True, eq=False)
class Orientation:
    """Head orientation: `time_us` int64 (n,), `quaternion` float64 (n, 4) as (w, x, y, z)."""

    time_us: Times
    quaternion: NDArray[np.float64]


class FrameSource(Protocol):
    """Stored frames, without their times. `damage` says what the last reading found."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        ...

    @property
    def has_color(self) -> bool:
        """Whether frames are (H, W, 3) in BGR order."""
        ...

    @property
    def depth(self) -> int:
        """Bits of a stored pixel, 8 or 16."""
        ...

    @property
    def full_scale(self) -> int:
        """The brightest count that a stored pixel can have."""
        ...

    @property
    def codec(self) -> str:
        """How the frames are stored."""
        ...

    @property
    def damage(self) -> list[str]:
        """What could not be read, in sentences."""
        ...

    def frames(self, first: int = 0) -> Iterator[tuple[int, Image]]:
        """Give the frames from the `first` on, each with its place."""
        ...


class Findings:
    """What is found while a recording is opened: the odd, and what is broken or lost."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.damage: list[str] = []

    def odd(self, text: str) -> None:
        """Remark something that a person should know."""
        self.remarks.append(text)

    def broken(self, *texts: str) -> None:
        """Report damage."""
        self.damage += texts


class VideoParts:
    """The frames of videos that follow each other. RecordingError if they do not fit together.

    A last part that is absent or cannot be read, as a recorder that is killed may leave it, is
    left out and reported.
    """

    def __init__(self, paths: list[Path], found: Findings) -> None:
        self.readers: list[VideoReader] = []
        for number, path in enumerate(paths):
            try:
                self.readers.append(_existing(path))
            except RecordingError as error:
                if not self.readers or number < len(paths) - 1:
                    raise
                found.broken(f"the last part is left out: {error}")
        if not self.readers:
            raise RecordingError("a recording without a video file")
        first = self.readers[0]
        self.size, self.has_color, self.depth = first.size, first.has_color, first.depth
        self.codec, self.full_scale = first.codec, 2**first.bits - 1
        for reader in self.readers:
            if (reader.size, reader.has_color, reader.depth) != (
                self.size,
                self.has_color,
                self.depth,
            ):
                raise RecordingError(
                    f"{reader.path} has frames of {reader.size} {reader.pixels}, "
                    f"{first.path.name} before it of {first.size} {first.pixels}"
                )
        self.part_times_us = [reader.times_us() for reader in self.readers]
        self.counts = [len(times) for times in self.part_times_us]
        found.broken(*self.damage)

    @property
    def damage(self) -> list[str]:
        """What could not be read, in sentences."""
        return [text for reader in self.readers for text in reader.damage]

    def frames(self, first: int = 0) -> Iterator[tuple[int, Image]]:
        """Give the frames from the `first` on, each with its place in the whole."""
        begin = 0
        for reader, count in zip(self.readers, self.counts, strict=True):
            if first < begin + count:
                for place, mat in reader.frames(max(first - begin, 0)):
                    yield begin + place, mat
            begin += count


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recording that can be played, measured and exported.

    `index` and `time_us` are int64 (frames,), strictly increasing; a gap of `index` is a drop,
    unless recording went on there after a pause: `segments` are the indexes with which it did.
    `remarks` say in sentences what is odd, `damage` what is broken or lost. `device` is what was
    noted about the scope, `marks` are notes of a person with their times in µs, and `controls`
    the changes of controls as (time_us, control, shown value, device value).
    """

    path: Path
    layout: Layout
    name: str
    source: FrameSource
    index: Times
    time_us: Times
    orientation: Orientation | None = None
    remarks: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()
    started: datetime | None = None
    device: Mapping[str, Any] = field(default_factory=dict[str, Any])
    segments: frozenset[int] = frozenset()
    marks: tuple[tuple[int, str], ...] = ()
    controls: tuple[tuple[int, str, str, str], ...] = ()
    nominal_rate_hz: float = 0.0

    def __len__(self) -> int:
        return len(self.time_us)

    @property
    def findings(self) -> tuple[str, ...]:
        """All that a person should know: what was found on opening, then on the last reading."""
        return tuple(dict.fromkeys([*self.remarks, *self.damage, *self.source.damage]))

    @property
    def drops(self) -> int:
        """Frames that are known to be lost: gaps of the index, but for pauses of the recorder."""
        lost = np.diff(self.index) - 1
        resumed = np.isin(self.index[1:], list(self.segments))
        return int(lost[~resumed].sum())

    @property
    def full_scale(self) -> int:
        """The brightest count that a pixel can have."""
        video = self.device.get("video")
        known = cast("dict[str, Any]", video).get("full_scale") if isinstance(video, dict) else None
        return known if isinstance(known, int) and known > 0 else self.source.full_scale

    @property
    def frame_rate_hz(self) -> float:
        """The rate from the times, leaving out pauses; the nominal one for a single frame."""
        return measured_rate_hz(self.index, self.time_us) or self.nominal_rate_hz or 30.0

    @property
    def length_us(self) -> int:
        """From the first frame to the end of the last."""
        return int(self.time_us[-1] - self.time_us[0] + 1e6 / self.frame_rate_hz)

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """Give the frames from the `first` on."""
        for place, mat in self.source.frames(first):
            if place >= len(self.time_us):
                return
            yield Frame(int(self.index[place]), int(self.time_us[place]), mat)


def _existing(path: Path) -> VideoReader:
    if not path.is_file():
        raise RecordingError(f"{path} is absent, and the manifest beside it names it")
    return VideoReader(path)


def measured_rate_hz(index: Times, time_us: Times) -> float:
    """Give the mean rate over all neighbours whose distance is within half of the usual one.

    Time per index step, so a dropped frame does not slow the rate; 0 if it cannot be said.
    """
    if len(time_us) < 2:
        return 0.0
    passed_us = np.diff(time_us).astype(np.float64)
    counted = np.maximum(np.diff(index), 1)
    steps = passed_us / counted
    usual = float(np.median(steps))
    regular = np.abs(steps - usual) <= usual / 2
    if usual <= 0 or not regular.any():
        return 1e6 / usual if usual > 0 else 0.0
    return 1e6 * float(counted[regular].sum() / passed_us[regular].sum())


def believable_rate_hz(said: object) -> float:
    """Give a rate that a file says; 0 if it is no number of frames that come in a second."""
    return float(said) if isinstance(said, int | float) and 0 < said <= 1e6 else 0.0


def settle(index: Times, time_us: Times, found: Findings) -> tuple[Times, Times]:
    """Give index and times that strictly increase, and say what had to be changed.

    A recording whose first frame came before its zero is moved to begin at 0.
    """
    wild = (time_us > FARTHEST_US) | (time_us < -FARTHEST_US)
    if wild.any():
        found.broken(f"{np.count_nonzero(wild)} times are farther off than a recording is long")
        time_us = np.where(wild, 0, time_us)
    if len(time_us) and time_us[0] < 0:
        found.odd(
            f"the first frame came {-time_us[0] / 1000:.0f} ms before the start of the recording; "
            f"times are counted from it"
        )
        time_us = time_us - time_us[0]
    if np.any(np.diff(index) <= 0) or np.any((index < -FARTHEST) | (index > FARTHEST)):
        found.broken("frame numbers do not increase; frames are counted in their order instead")
        index = np.arange(len(index), dtype=np.int64)
    back = int(np.count_nonzero(np.diff(time_us) <= 0))
    if back:
        found.broken(f"times stand still or run back at {back} frames; they are moved 1 µs apart")
        # t[i] = max(t[i], t[i-1] + 1), without a loop
        steps = np.arange(len(time_us), dtype=np.int64)
        time_us = np.maximum.accumulate(time_us - steps) + steps
    return index, time_us
