"""What is in a recording and what is missing in it: counts, true rate, drops, damage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.player import open_recording, recordings_in
from syntalos_miniscope.recording.quaternion_table import frame_of_samples, is_valid
from syntalos_miniscope.recording.recorded import Recording
from syntalos_miniscope.recording.run_info import RunInfo, run_info, run_lines


@dataclass(frozen=True, slots=True)
class OrientationInfo:
    """How far the orientation can be relied on."""

    samples: int
    valid: int
    """Quaternions whose length is within 0.05 of 1."""
    repeated: int
    """Samples equal to the one before: the sensor stood still, or its read failed."""
    frames_without: int
    """Frames that have no sample."""


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """What `inspect` found. Times are seconds from the first frame."""

    path: str
    layout: str
    name: str
    codec: str
    size: tuple[int, int]
    """Width and height, px."""
    depth: int
    started: str | None
    frames: int
    frames_decoded: int
    length_s: float
    frame_rate_hz: float
    """From the times, leaving out drops and pauses."""
    nominal_rate_hz: float
    dropped: int
    """Frames that the index says were lost before they could be recorded."""
    gaps: list[tuple[float, int]]
    """When how many were lost; the 100 largest."""
    pauses: int
    repeated: int
    """Frames whose pixels equal those of the frame before."""
    largest_interval_ms: float
    orientation: OrientationInfo | None
    marks: int
    remarks: list[str]
    """What is odd, in sentences."""
    damage: list[str]
    """What is broken or lost, in sentences; empty if the recording is whole."""

    def to_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold."""
        return asdict(self)


def inspect(
    path: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> RecordingInfo:
    """Read a whole recording, every checksum in it included, and say what is there.

    RecordingError if it cannot be opened at all.
    """
    recording = open_recording(path)
    decoded = repeated = 0
    before: int | None = None
    for frame in recording.frames():
        digest = xxh3_64_intdigest(np.ascontiguousarray(frame.mat).data)
        repeated += digest == before
        before = digest
        decoded += 1
        progress(decoded, len(recording))
    damage = [*recording.damage, *recording.source.damage]
    if decoded < len(recording):
        damage.append(f"{len(recording) - decoded} of {len(recording)} frames do not decode")
    steps_ms = np.diff(recording.time_us) / 1000
    width_first = (recording.source.size[1], recording.source.size[0])
    return RecordingInfo(
        path=str(recording.path),
        layout=recording.layout,
        name=recording.name,
        codec=recording.source.codec,
        size=width_first,
        depth=recording.source.depth,
        started=recording.started.isoformat() if recording.started else None,
        frames=len(recording),
        frames_decoded=decoded,
        length_s=round(recording.length_us / 1e6, 6),
        frame_rate_hz=round(recording.frame_rate_hz, 4),
        nominal_rate_hz=recording.nominal_rate_hz,
        dropped=recording.drops,
        gaps=_gaps(recording),
        pauses=int(np.isin(recording.index[1:], list(recording.segments)).sum()),
        repeated=repeated,
        largest_interval_ms=round(float(steps_ms.max(initial=0)), 3),
        orientation=_orientation(recording),
        marks=len(recording.marks),
        remarks=list(recording.remarks),
        damage=list(dict.fromkeys(damage)),
    )


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """What `inspect_all` found: every video, and what the run that holds them says of itself."""

    path: str
    recordings: list[RecordingInfo]
    unreadable: list[str]
    """Videos beside others that cannot be opened, a sentence for each."""
    run: RunInfo | None

    @property
    def damaged(self) -> bool:
        """Whether anything is broken or lost."""
        killed = self.run is not None and self.run.killed
        return killed or bool(self.unreadable) or any(each.damage for each in self.recordings)

    def to_json(self) -> dict[str, Any]:
        """Give it as what JSON can hold; that of a single video stands at the top."""
        run = self.run.to_json() if self.run else None
        if len(self.recordings) == 1 and not self.unreadable:
            return self.recordings[0].to_json() | {"run": run}
        told = [each.to_json() for each in self.recordings]
        return {"path": self.path, "recordings": told, "unreadable": self.unreadable, "run": run}


def inspect_all(
    path: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> FolderInfo:
    """Inspect all videos of a recording, and the run if it is one.

    RecordingError if none can be opened.
    """
    places = recordings_in(path)
    recordings: list[RecordingInfo] = []
    unreadable: list[str] = []
    for place in places:
        try:
            recordings.append(inspect(place, progress))
        except RecordingError as error:
            unreadable.append(str(error))
    if not recordings:
        raise RecordingError("; ".join(unreadable))
    return FolderInfo(str(path), recordings, unreadable, run_info(path))


def _gaps(recording: Recording) -> list[tuple[float, int]]:
    lost = np.diff(recording.index) - 1
    lost[np.isin(recording.index[1:], list(recording.segments))] = 0
    largest = np.sort(np.argsort(-lost, kind="stable")[: min(100, np.count_nonzero(lost))])
    from_us = int(recording.time_us[0])
    return [(round((int(recording.time_us[i]) - from_us) / 1e6, 6), int(lost[i])) for i in largest]


def _orientation(recording: Recording) -> OrientationInfo | None:
    orientation = recording.orientation
    if orientation is None:
        return None
    quaternion = orientation.quaternion
    place = frame_of_samples(recording)
    return OrientationInfo(
        samples=len(quaternion),
        valid=int(is_valid(quaternion).sum()),
        repeated=int((quaternion[1:] == quaternion[:-1]).all(axis=1).sum()),
        frames_without=len(recording) - len(np.unique(place[place >= 0])),
    )


def as_lines(info: FolderInfo) -> list[str]:
    """Give the lines in which a person reads it: the run, then a paragraph for each video."""
    parts = [run_lines(info.run)] if info.run else []
    parts += [_recording_lines(each) for each in info.recordings]
    if info.unreadable:
        parts.append([f"Damage       {text}" for text in info.unreadable])
    return [line for part in parts for line in ("", *part)][1:]


def _recording_lines(info: RecordingInfo) -> list[str]:
    width, height = info.size
    colour = f"{width} x {height}, {info.depth} bit, {info.codec}"
    rate = f"{info.frame_rate_hz:.3f} Hz"
    if info.nominal_rate_hz and abs(info.frame_rate_hz / info.nominal_rate_hz - 1) > 0.005:
        rate += f" (nominally {info.nominal_rate_hz:g} Hz)"
    lines = [
        f"Recording    {info.path} ({info.layout})",
        f"Frames       {info.frames} in {info.length_s:.3f} s, {colour}",
        f"Rate         {rate}; longest interval {info.largest_interval_ms:.1f} ms",
        f"Dropped      {info.dropped}" + (f", in {len(info.gaps)} gaps" if info.gaps else ""),
        f"Repeated     {info.repeated}",
    ]
    if info.started:
        lines.insert(1, f"Started      {info.started}")
    if info.pauses:
        lines.append(f"Pauses       {info.pauses}")
    if info.orientation is None:
        lines.append("Orientation  none")
    else:
        turned = info.orientation
        lines.append(
            f"Orientation  {turned.samples} samples, {turned.valid} valid, {turned.repeated} "
            f"repeated; {turned.frames_without} frames without"
        )
    if info.marks:
        lines.append(f"Notes        {info.marks}")
    lines += [f"Mind         {text}" for text in info.remarks]
    lines += [f"Damage       {text}" for text in info.damage] or ["Damage       none found"]
    return lines
