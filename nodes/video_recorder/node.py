"""Writes frames without loss, with the time of each, into the folder of the run."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Literal

from pydantic import Field

from syntalos_miniscope.node import Context, Dataset, In, Node, Settings
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.daq_folder import (
    DaqDevice,
    DaqSession,
    devices_of,
    keep_notes_of_run,
    write_user_config,
)
from syntalos_miniscope.recording.disk import DiskGuard
from syntalos_miniscope.recording.gate import RecordGate
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.scope import Quaternion
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame

_SAMPLES_HZ = 200
_SAMPLES = 60 * _SAMPLES_HZ
"""Orientation that is remembered: of the longest time before a start, at a sensor's fastest."""

_TO_US = {"microseconds": 1, "milliseconds": 1000, "seconds": 1_000_000}


class VideoRecorder(Node):
    """Records every frame it is sent; a gap of the index is kept in the time file."""

    inputs = (
        In("frames-in", "Frames", Frame),
        In("orientation-in", "Orientation", FloatSignalBlock),
        In("control-in", "Control", Control),
    )

    class Settings(Settings):
        """Where the video goes, in what pieces, and when it is recorded."""

        name: str = Field("frames", min_length=1, description="Folder and file name of the video")
        layout: Literal["edl", "daq"] = Field(
            "edl", description="Matroska as Syntalos writes it, or a folder of the DAQ software"
        )
        daq_kind: Literal["miniscopes", "cameras"] = Field(
            "miniscopes",
            title="Device is one of",
            description="What the device is, in the layout of the DAQ software",
        )
        part_s: float = Field(
            0,
            ge=0,
            title="New file after",
            description="A new file after so many seconds; 0 is never",
        )
        part_mb: float = Field(
            0, ge=0, title="New file at", description="A new file after so many MB; 0 is never"
        )
        wait_for_start: bool = Field(False, description="Record only after a start command")
        before_s: float = Field(
            0,
            ge=0,
            le=60,
            title="Keep from before",
            description="Keep so many seconds from before a start, if it is waited",
        )
        begin_s: float = Field(
            0, ge=0, title="Begin after", description="Begin so many seconds into the run"
        )
        duration_s: float = Field(
            0, ge=0, title="Record for", description="Record so long each time; 0 is to the end"
        )
        every_s: float = Field(
            0, ge=0, title="Again every", description="Begin again after so long; 0 is never"
        )

    def prepare(self, ctx: Context) -> None:
        """Make the folder; the video comes with the first frame, whose size it takes."""
        settings = self.settings
        self._sink: VideoDataset | DaqDevice | None = None
        # Frames call for the samples; without frames only the latest wait.
        self._samples: deque[tuple[int, Quaternion]] = deque(maxlen=_SAMPLES)
        self._segment_us = self._tell_us = 0
        unit = str(ctx.metadata("orientation-in").get("time_unit", "microseconds"))
        if unit not in _TO_US:
            raise RecordingError(f"orientation-in has times in {unit}; give {', '.join(_TO_US)}")
        self._to_us = _TO_US[unit]
        self._gate = RecordGate(
            waits_for_start=settings.wait_for_start,
            first_us=round(settings.begin_s * 1e6),
            duration_us=round(settings.duration_s * 1e6),
            every_us=round(settings.every_s * 1e6),
            before_us=round(settings.before_s * 1e6),
        )
        name = settings.name.replace("/", "_")
        group = "daq" if settings.layout == "daq" else "videos"
        dataset = ctx.dataset(f"{group}/{name}")
        if dataset is None:
            return
        self._guard = DiskGuard(dataset.path, ctx.note)
        about = ctx.metadata("frames-in")
        rate, full_scale = about.get("framerate", 0.0), about.get("full_scale")
        rate_hz = float(rate) if isinstance(rate, int | float) else 0.0
        if settings.layout == "daq":
            self._sink = self._daq_device(dataset, rate_hz)
        else:
            self._sink = VideoDataset(
                dataset,
                name,
                rate_hz,
                part_s=settings.part_s,
                part_mb=settings.part_mb,
                full_scale=full_scale if isinstance(full_scale, int) else None,
            )

    def start(self, ctx: Context) -> None:
        """Keep when t = 0 was."""
        if self._sink is not None:
            self._sink.begin(datetime.now())

    def on_data(self, ctx: Context, port: str, item: Frame | FloatSignalBlock | Control) -> None:
        """Write what came, if it is to be recorded now."""
        if self._sink is None:
            return
        if isinstance(item, Control):
            self._gate.command(item.kind)
        elif isinstance(item, Frame):
            self._guard.check(item.time_us)
            openings = self._gate.openings
            kept = self._gate.take(item)
            if self._gate.openings != openings:
                self._begin_segment(kept[0])
            for frame in kept:
                self._sink.add(frame)
            self._write_orientation()
            if item.time_us >= self._tell_us:
                self._tell_us = item.time_us + 1_000_000
                ctx.status(f"{self._sink.frames} frames" if kept else "waiting")
        elif item.data.shape[1] != 4:
            raise RecordingError(f"takes qw, qx, qy, qz, not {item.data.shape[1]} channels")
        else:
            for time, (w, x, y, z) in zip(item.timestamps, item.data.tolist(), strict=True):
                self._samples.append((int(time) * self._to_us, (w, x, y, z)))
            if self._gate.is_open and len(self._samples) > _SAMPLES // 2:
                self._write_orientation()

    def stop(self, ctx: Context) -> None:
        """Close the files."""
        if self._sink is not None:
            ctx.count("frames", self._sink.frames)
            ctx.status(f"{self._sink.frames} frames")
            if self._samples and not self._sink.frames:
                ctx.note("Orientation came, but no frame to record it with; nothing was kept.")
            try:
                self._write_orientation()
            finally:
                self._sink.close()
            if isinstance(self._sink, DaqDevice):
                keep_notes_of_run(self._sink.folder)

    def _begin_segment(self, first: Frame) -> None:
        # What is recorded from the start on keeps also the samples before its first frame.
        if self._gate.openings > 1 or self.settings.begin_s or self.settings.wait_for_start:
            self._segment_us = first.time_us - 1000
        if self._sink is not None:
            self._sink.begin_segment(first)

    def _write_orientation(self) -> None:
        """Write the samples that wait; while the gate is shut only the latest are remembered."""
        samples = self._samples
        if not self._gate.is_open:
            while len(samples) > self.settings.before_s * _SAMPLES_HZ:
                samples.popleft()
            return
        for time_us, quaternion in samples:
            if self._sink is not None and time_us >= self._segment_us:
                self._sink.add_orientation(time_us, quaternion)
        samples.clear()

    def _daq_device(self, dataset: Dataset, rate_hz: float) -> DaqDevice:
        session = DaqSession(started=datetime.now())
        folder = dataset.path.parent
        device = DaqDevice(
            dataset.path,
            rate_hz,
            session=session,
            kind=self.settings.daq_kind,
            claim=lambda name: (
                dataset.data_file(name) if name.endswith(".avi") else dataset.aux_file(name)
            ),
            collection_id=dataset.collection_id,
        )
        write_user_config(folder, session, devices_of(folder), levels=False)
        return device
