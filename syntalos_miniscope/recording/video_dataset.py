"""A video in an experiment folder: Matroska parts, the time of every frame, orientation."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from syntalos_miniscope.node import Dataset
from syntalos_miniscope.recording.edl import safe_name
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.recording.tsync_writer import TimeFileWriter
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.scope import ORIENTATION_HEADER, Quaternion, orientation_row
from syntalos_miniscope.streams import Frame


class VideoDataset:
    """Writes frames into a dataset.

    A new part begins after `part_s` seconds, `part_mb` or `part_frames`; 0 means no limit. Each
    part is a pair, `name.mkv` and `name_timestamps.tsync`, with `_1`, `_2` … if there are to be
    several. A frame is on disk, but for the one that was handed over last, when `add` returns.
    `full_scale` is the brightest count of the sensor, if that is not all of 8 or 16 bits.
    RecordingError when the disk refuses.
    """

    def __init__(
        self,
        dataset: Dataset,
        name: str,
        frame_rate_hz: float,
        *,
        module: str = "video_recorder",
        part_s: float = 0,
        part_mb: float = 0,
        part_frames: int = 0,
        full_scale: int | None = None,
    ) -> None:
        self.frames = 0
        self._dataset = dataset
        self._name = safe_name(name, "video")
        self._rate = frame_rate_hz
        self._full_scale = full_scale
        self._module = module
        self._part_us, self._part_bytes, self._part_frames = (
            part_s * 1e6,
            part_mb * 1e6,
            part_frames,
        )
        self._rolls = bool(part_s or part_mb or part_frames)
        self._video: VideoWriter | None = None
        self._times: TimeFileWriter | None = None
        self._orientation: TableWriter | None = None
        self._parts = 0
        self._part_from_us = 0
        self._segments: list[int] = []

    @property
    def path(self) -> Path:
        """Where the parts are."""
        return self._dataset.path

    def begin(self, started: datetime) -> None:
        """Say when t = 0 was, which is later than when the folder was made."""
        self._dataset.describe({"started": started.astimezone()})

    def add(self, frame: Frame) -> None:
        """Write one frame with its index and time."""
        if self._video is None or self._times is None or self._part_is_full(frame.time_us):
            self._video, self._times = self._new_part(frame)
        self._video.add(frame.mat, frame.time_us)
        # The column has no sign, and a run has no time before its start.
        self._times.add(frame.index, max(frame.time_us, 0))
        self.frames += 1

    def adopt(self, video: Path, times: Path, frames: int, shape: tuple[int, ...]) -> None:
        """Take over a finished part, which is moved; an export that was stopped left it."""
        if self._parts == 0:
            self._describe(shape)
        for file, place in zip((video, times), self._claim_part(), strict=True):
            file.rename(place)
        self.frames += frames

    def begin_segment(self, first: Frame) -> None:
        """Say that recording begins, or goes on, with a frame: the gap before it is no drop."""
        self._segments.append(first.index)
        self._dataset.describe({"segments_begin_at": self._segments})

    def add_orientation(self, time_us: int, quaternion: Quaternion) -> None:
        """Write one orientation sample into a table beside the video."""
        if self._orientation is None:
            path = self._dataset.aux_file(f"{self._name}_orientation.csv")
            self._orientation = TableWriter(path, ORIENTATION_HEADER)
        self._orientation.add(orientation_row(time_us, quaternion).cells)

    def close(self) -> None:
        """Finish all files, each whatever happens to the others; may be called twice."""
        writers = (self._times, self._orientation, self._video)
        self._times = self._orientation = self._video = None
        failure: Exception | None = None
        for writer in writers:
            try:
                if writer is not None:
                    writer.close()
            except Exception as error:  # noqa: BLE001 - the others are closed first
                failure = failure or error
        if failure is not None:
            raise failure

    def _part_is_full(self, time_us: int) -> bool:
        if self._part_frames and self._video and self._video.frames >= self._part_frames:
            return True
        if self._part_us and time_us - self._part_from_us >= self._part_us:
            return True
        path = self._video.path if self._video else None
        return bool(path and self._part_bytes and path.stat().st_size >= self._part_bytes)

    def _new_part(self, frame: Frame) -> tuple[VideoWriter, TimeFileWriter]:
        for writer in (self._video, self._times):
            if writer is not None:
                writer.close()
        self._part_from_us = frame.time_us
        path, times_path = self._claim_part()
        if self._parts == 1:
            self._describe(frame.mat.shape)
        video = VideoWriter(path, self._rate, frame.mat)
        times = TimeFileWriter(
            times_path,
            module=self._module,
            collection_id=self._dataset.collection_id,
            created_s=int(time.time()),
        )
        return video, times

    def _claim_part(self) -> tuple[Path, Path]:
        self._parts += 1
        stem = f"{self._name}_{self._parts}" if self._rolls else self._name
        video = self._dataset.data_file(f"{stem}.mkv")
        return video, self._dataset.aux_file(f"{stem}_timestamps.tsync")

    def _describe(self, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        about = {
            "colored": len(shape) == 3,
            "frame_height": height,
            "frame_width": width,
            "framerate": float(self._rate),
        }
        if self._full_scale is not None:
            about["full_scale"] = self._full_scale
        encoder = {"name": "FFV1", "lossless": True, "thread_count": 1}
        self._dataset.describe({"video": about, "encoder": encoder})
