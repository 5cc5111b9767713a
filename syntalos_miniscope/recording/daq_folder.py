"""Writes the folder of the official Miniscope DAQ software, which most analyses read as it is."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.daq import METADATA, ORIENTATION, SIDECAR, TIMES, USER_CONFIG
from syntalos_miniscope.recording.edl import safe_name
from syntalos_miniscope.recording.edl_tree import open_unit, root_of
from syntalos_miniscope.recording.edl_video import marks_of
from syntalos_miniscope.recording.partial import write_whole
from syntalos_miniscope.recording.recorded import Findings
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.recording.tsync_writer import TimeFileWriter
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.scope import QUATERNION_NAMES, Quaternion
from syntalos_miniscope.streams import Frame

FRAMES_PER_FILE = 1000
NOTES = "notes.csv"

DeviceKind = Literal["miniscopes", "cameras"]


@dataclass(frozen=True, slots=True)
class DaqSession:
    """Who and what was recorded, and when; the names become folders, with `_` for blanks."""

    animal: str = "animal"
    experiment: str = "experiment"
    researcher: str = "researcher"
    started: datetime = field(default_factory=datetime.now)

    def folder(self, root: Path) -> Path:
        """Give root/researcher/experiment/animal/YYYY_MM_DD/HH_MM_SS."""
        names = (self.researcher, self.experiment, self.animal)
        day, hour = self.started.strftime("%Y_%m_%d"), self.started.strftime("%H_%M_%S")
        return root.joinpath(*(daq_name(name) for name in names), day, hour)


def daq_name(name: str) -> str:
    """Give a name as the official software makes a folder of it: safe, `_` for blanks."""
    return safe_name(name).replace(" ", "_")


class DaqDevice:
    """Writes the frames of one device: numbered AVIs, times, head orientation, metadata.

    Videos have 1000 frames each; every frame has its row of times, whole milliseconds since the
    start, and the number that the DAQ box counts, so a lost frame shows as a gap. `claim`
    gives the path for a file name; by default it lies in the folder. RecordingError when the
    disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        frame_rate_hz: float,
        *,
        session: DaqSession | None = None,
        kind: DeviceKind = "miniscopes",
        settings: Mapping[str, Any] | None = None,
        claim: Callable[[str], Path] | None = None,
        collection_id: str = "",
    ) -> None:
        self.folder = folder
        self.frames = 0
        self._claim = claim or (lambda name: folder / name)
        self._rate = frame_rate_hz or 30.0
        self._session = session or DaqSession()
        self._settings = dict(settings or {})
        self._kind: DeviceKind = kind
        self._video: VideoWriter | None = None
        self._first_index = self._last_index = self._paused = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(folder, error) from error
        self._sidecar = TimeFileWriter(
            self._claim(SIDECAR),
            module="daq_folder",
            collection_id=collection_id,
            created_s=int(time.time()),
        )
        header = ("Frame Number", "Time Stamp (ms)", "Buffer Index", "DAQ Frame Number")
        self._times = TableWriter(self._claim(TIMES), header, ",")
        self._orientation: TableWriter | None = None
        self.begin(self._session.started)

    def begin(self, started: datetime) -> None:
        """Say when t = 0 was; it is when the device was made unless it is said."""
        self._session = replace(self._session, started=started)
        add_to_session(self.folder.parent, self.folder.name, self._kind, self._session)

    def add(self, frame: Frame) -> None:
        """Write one frame, its times and its number."""
        if self._video is None or self.frames % FRAMES_PER_FILE == 0:
            self._next_video(frame)
        assert self._video is not None
        self._video.add(frame.mat, frame.time_us)
        self._add_times(frame.index, frame.time_us)

    def adopt(self, video: Path, times: Sequence[tuple[int, int]], shape: tuple[int, ...]) -> None:
        """Take over a finished video of `FRAMES_PER_FILE`, which is moved, with its times."""
        if self.frames == 0:
            self._write_metadata(shape)
        video.rename(self._claim(f"{self.frames // FRAMES_PER_FILE}.avi"))
        for index, time_us in times:
            self._add_times(index, time_us)

    def _add_times(self, index: int, time_us: int) -> None:
        if self.frames == 0:
            self._first_index = index
        index -= self._paused
        self._last_index = index
        number = index - self._first_index + 1
        self._times.add((str(self.frames), str(time_us // 1000), "0", str(number)))
        self._sidecar.add(index, max(time_us, 0))
        self.frames += 1
        self._last_us = time_us

    def begin_segment(self, first: Frame) -> None:
        """Say that recording goes on with a frame: what was not recorded before it is no loss.

        The layout knows no pauses, so the numbers go on; the times show it.
        """
        if self.frames:
            self._paused = first.index - self._last_index - 1

    def add_orientation(self, time_us: int, quaternion: Quaternion) -> None:
        """Write one row of head orientation."""
        if self._orientation is None:
            header = ("Time Stamp (ms)", *QUATERNION_NAMES)
            self._orientation = TableWriter(self._claim(ORIENTATION), header, ",")
        parts = (f"{part:.6f}" for part in quaternion)
        self._orientation.add((str(time_us // 1000), *parts))

    def close(self) -> None:
        """Finish all files, each whatever happens to the others; may be called twice."""
        failure: RecordingError | None = None
        for finish in (
            self._close_video,
            self._times.close,
            self._sidecar.close,
            self._orientation.close if self._orientation else lambda: None,
        ):
            try:
                finish()
            except RecordingError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _next_video(self, frame: Frame) -> None:
        self._close_video()
        if self.frames == 0:
            self._write_metadata(frame.mat.shape)
        path = self._claim(f"{self.frames // FRAMES_PER_FILE}.avi")
        self._video = VideoWriter(path, self._rate, frame.mat)

    def _close_video(self) -> None:
        video, self._video = self._video, None
        if video is None:
            return
        video.close()
        # Some readers order the videos by the time of their last change.
        end = self._session.started + timedelta(microseconds=self._last_us)
        os.utime(video.path, (end.timestamp(), end.timestamp()))

    def _write_metadata(self, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        about = {
            "ROI": {"height": height, "leftEdge": 0, "topEdge": 0, "width": width},
            "compression": "FFV1",
            "deviceDirectory": str(self.folder),
            "deviceID": 0,
            "deviceName": self.folder.name,
            "deviceType": "Miniscope_V4_BNO" if self._kind == "miniscopes" else "WebCam",
            "frameRate": f"{self._rate:.0f}FPS",
            "framesPerFile": FRAMES_PER_FILE,
        }
        save_json(self._claim(METADATA), about | self._settings)


def add_to_session(folder: Path, device: str, kind: DeviceKind, session: DaqSession) -> None:
    """Write the metadata of a session, keeping the devices that it has already."""
    path = folder / METADATA
    known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    devices: dict[str, list[str]] = {
        each: list(known.get(each, [])) for each in ("miniscopes", "cameras")
    }
    if device not in devices[kind]:
        devices[kind].append(device)
    start = session.started
    about = {
        "animalName": daq_name(session.animal),
        "baseDirectory": str(folder),
        "experimentName": daq_name(session.experiment),
        "framesPerFile": FRAMES_PER_FILE,
        "recordingStartTime": {
            "day": start.day,
            "hour": start.hour,
            "minute": start.minute,
            "month": start.month,
            "msec": start.microsecond // 1000,
            "msecSinceEpoch": int(start.timestamp() * 1000),
            "second": start.second,
            "year": start.year,
        },
        "researcherName": daq_name(session.researcher),
    }
    save_json(path, about | devices)
    if not (folder / NOTES).exists():
        write_notes(folder / NOTES, ())


def devices_of(session: Path) -> dict[str, DeviceKind]:
    """Give the devices that the metadata of a session names."""
    known: dict[str, Any] = json.loads((session / METADATA).read_text("utf-8"))
    kinds: tuple[DeviceKind, ...] = ("miniscopes", "cameras")
    return {str(name): kind for kind in kinds for name in known.get(kind, [])}


def write_notes(path: Path, marks: tuple[tuple[int, str], ...]) -> None:
    """Write notes with their times; the blank in the header is the format's own."""
    lines = ["Time Stamp (ms), Note"]
    lines += [f"{time_us // 1000},{' '.join(text.split())}" for time_us, text in marks]
    try:
        write_whole(path, ("\n".join(lines) + "\n").encode("utf-8"))
    except OSError as error:
        raise disk_error(path, error) from error


def keep_notes_of_run(device: Path) -> None:
    """Copy the notes of the run that a device folder lies in into its session and itself.

    Some programs are pointed at the one, some at the other.
    """
    marks = marks_of(root_of(open_unit(device)), Findings())
    for folder in (device, device.parent):
        write_notes(folder / NOTES, marks)


def write_user_config(
    root: Path, session: DaqSession, devices: Mapping[str, DeviceKind], *, levels: bool = True
) -> None:
    """Write the configuration by which readers find the devices below a folder.

    With `levels` the folders researcher, experiment, animal, date and time lie between; without,
    the devices lie in the folder itself.
    """
    names = {
        "researcherName": daq_name(session.researcher),
        "experimentName": daq_name(session.experiment),
        "animalName": daq_name(session.animal),
    }
    about = {"compression": "FFV1", "deviceID": 0, "framesPerFile": FRAMES_PER_FILE}
    types = {"miniscopes": "Miniscope_V4_BNO", "cameras": "WebCam"}
    config: dict[str, Any] = {
        "configVersion": 1,
        "dataDirectory": str(root),
        "directoryStructure": [*names, "date", "time"] if levels else [],
        **names,
        "devices": {
            kind: {
                name: about | {"deviceType": types[kind]}
                for name, its_kind in devices.items()
                if its_kind == kind
            }
            for kind in types
        },
    }
    save_json(root / USER_CONFIG, config)


def save_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file whole, keys sorted; RecordingError if the disk refuses."""
    text = json.dumps(values, indent=4, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise disk_error(path, error) from error
