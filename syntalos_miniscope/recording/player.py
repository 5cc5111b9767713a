"""Opens whatever can be played: an experiment, DAQ or ONIX folder, a video file, zarr."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containment import refuse_links_out
from syntalos_miniscope.recording.daq import devices_in, is_daq, open_daq
from syntalos_miniscope.recording.edl_tree import open_unit
from syntalos_miniscope.recording.edl_video import open_edl
from syntalos_miniscope.recording.onix import is_onix, open_onix
from syntalos_miniscope.recording.recorded import Findings, Recording, VideoParts, settle
from syntalos_miniscope.recording.zarr_recording import is_zarr, open_zarr
from syntalos_miniscope.scope import Quaternion
from syntalos_miniscope.streams import Frame


def open_recording(path: Path) -> Recording:
    """Open a recording, finding its layout by what is there.

    RecordingError with one line that says what is wrong, where, and what would be right.
    """
    try:
        if not path.exists():
            raise RecordingError(f"there is no recording at {path}")
        if path.is_file():
            return _open_video(path)
        refuse_links_out(path)
        # A DAQ folder that a run of ours holds is a dataset of EDL as well, and says less as such.
        if is_daq(path):
            return open_daq(path)
        if (path / "manifest.toml").is_file():
            return open_edl(path)
        if is_zarr(path):
            return open_zarr(path)
        if is_onix(path):
            return open_onix(path)
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
    raise RecordingError(
        f"{path} is no recording: it holds neither a manifest.toml (EDL) nor a timeStamps.csv "
        f"(DAQ folder) nor a start-time_*_miniscope.csv (ONIX) nor zarr"
    )


def recordings_in(path: Path) -> list[Path]:
    """Give what to hand to `open_recording` for each video that a run or a session holds.

    The path itself if it holds one or none. RecordingError if its manifests cannot be read.
    """
    found: list[Path] = []
    try:
        if path.is_dir():
            refuse_links_out(path)
        if is_daq(path):
            found = devices_in(path)
        elif (path / "manifest.toml").is_file():
            found = [unit.path for unit in open_unit(path).units() if unit.is_video()]
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror or error}") from error
    return found if len(found) > 1 else [path]


def _open_video(path: Path) -> Recording:
    found = Findings()
    parts = VideoParts([path], found)
    stored = parts.part_times_us[0]
    if not len(stored):
        raise RecordingError(f"{path} holds no frames")
    index, time_us = settle(np.arange(len(stored), dtype=np.int64), stored, found)
    return Recording(
        path=path,
        layout="video",
        name=path.stem,
        source=parts,
        index=index,
        time_us=time_us,
        remarks=tuple(found.remarks),
        damage=tuple(found.damage),
        nominal_rate_hz=parts.readers[0].nominal_rate_hz,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """One frame in its playing time, with the orientation samples since the frame before."""

    frame: Frame
    orientation: tuple[tuple[int, Quaternion], ...]


class Playback:
    """The frames of a recording from a start on, once or for ever.

    Times are recording time minus `start_us`; over loops they and the index go on increasing.
    RecordingError if the recording ends before the start.
    """

    def __init__(self, recording: Recording, start_us: int = 0, *, loop: bool = False) -> None:
        self.recording = recording
        self._start_us = start_us
        self._loop = loop
        self._first = int(np.searchsorted(recording.time_us, start_us))
        if self._first == len(recording):
            raise RecordingError(
                f"{recording.path} ends at {recording.time_us[-1] / 1e6:.3f} s, "
                f"before the start at {start_us / 1e6:.3f} s"
            )

    def __iter__(self) -> Iterator[Played]:
        """Give frame after frame."""
        recording = self.recording
        index_step = int(recording.index[-1] - recording.index[self._first]) + 1
        period_us = round(1e6 / recording.frame_rate_hz)
        round_us = int(recording.time_us[-1]) + period_us - self._start_us
        passed = 0
        while True:
            moved_us = passed * round_us - self._start_us
            sample = self._first_sample()
            frames = 0
            for frame in recording.frames(self._first):
                end = self._samples_until(frame.time_us)
                yield Played(
                    Frame(frame.index + passed * index_step, frame.time_us + moved_us, frame.mat),
                    self._samples(sample, end, moved_us),
                )
                sample = max(sample, end)
                frames += 1
            passed += 1
            if not self._loop or not frames:
                return

    def _first_sample(self) -> int:
        orientation = self.recording.orientation
        return int(np.searchsorted(orientation.time_us, self._start_us)) if orientation else 0

    def _samples_until(self, time_us: int) -> int:
        orientation = self.recording.orientation
        # Tables in milliseconds are up to one of them later than the frame they were read with.
        return int(np.searchsorted(orientation.time_us, time_us + 1000)) if orientation else 0

    def _samples(self, begin: int, end: int, moved_us: int) -> tuple[tuple[int, Quaternion], ...]:
        orientation = self.recording.orientation
        if orientation is None:
            return ()
        return tuple(
            (int(orientation.time_us[i]) + moved_us, _quaternion(orientation.quaternion[i]))
            for i in range(begin, end)
        )


def _quaternion(values: NDArray[np.float64]) -> Quaternion:
    w, x, y, z = (float(value) for value in values)
    return w, x, y, z
