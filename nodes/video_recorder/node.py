"""Writes frames without loss, with the time of each, into the folder of the run."""

from __future__ import annotations

from pydantic import Field

from syntalos_miniscope.node import Context, In, Node, Settings
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.streams import Control, FloatSignalBlock, Frame

_TO_US = {"microseconds": 1, "milliseconds": 1000, "seconds": 1_000_000}


class VideoRecorder(Node):
    """Records every frame it is sent; a gap of the index is kept in the time file."""

    inputs = (
        In("frames-in", "Frames", Frame),
        In("orientation-in", "Orientation", FloatSignalBlock),
        In("control-in", "Control", Control),
    )

    class Settings(Settings):
        """Where the video goes, and in what pieces."""

        name: str = Field("frames", min_length=1, description="Folder and file name of the video")

    def prepare(self, ctx: Context) -> None:
        """Make the folder; the files come with the first frame, whose size they take."""
        self._video: VideoDataset | None = None
        dataset = ctx.dataset(f"videos/{self.settings.name.replace('/', '_')}")
        if dataset is not None:
            rate = ctx.metadata("frames-in").get("framerate", 0.0)
            rate_hz = float(rate) if isinstance(rate, int | float) else 0.0
            self._video = VideoDataset(dataset, self.settings.name, rate_hz)
        unit = ctx.metadata("orientation-in").get("time_unit", "microseconds")
        self._to_us = _TO_US[str(unit)]

    def on_data(self, ctx: Context, port: str, item: Frame | FloatSignalBlock | Control) -> None:
        """Write what came."""
        if self._video is None:
            return
        if isinstance(item, Frame):
            self._video.add(item)
        elif isinstance(item, FloatSignalBlock):
            for time, (w, x, y, z) in zip(item.timestamps, item.data.tolist(), strict=True):
                self._video.add_orientation(int(time) * self._to_us, (w, x, y, z))

    def stop(self, ctx: Context) -> None:
        """Close the files."""
        if self._video is not None:
            ctx.count("frames", self._video.frames)
            self._video.close()
