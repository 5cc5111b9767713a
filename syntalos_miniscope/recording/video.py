"""Videos: written without loss, so that a crash costs one frame, and read to the last sound one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.logging
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.containers import matroska_times_us, what_was_cut

Image = NDArray[np.uint8] | NDArray[np.uint16]

# FFmpeg's FFV1 decoder hands out a frame that fails its checksum and only says so in its log,
# which is read below and is of no interest to anyone else.
av.logging.set_level(av.logging.ERROR)
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False

MICROSECOND = Fraction(1, 1_000_000)
FFV1 = {"level": "3", "slices": "4", "slicecrc": "1", "context": "0", "g": "1"}
"""Every frame stands alone and carries checksums; context 0 costs a little size and saves CPU."""
CONTAINERS = {
    ".mkv": ("matroska", {"flush_packets": "1", "cluster_size_limit": "1"}),
    ".avi": ("avi", {"flush_packets": "1"}),
}
"""A Matroska cluster for each frame: a kill would cost all dark frames of a larger open one."""
_PIXELS = {(2, "uint8"): "gray", (3, "uint8"): "bgr0", (2, "uint16"): "gray16le"}
_PACKED = {"yuyv422": 0, "yvyu422": 0, "uyvy422": 1}
"""Formats that mix luma and chroma in one plane, and where luma begins."""
_LUMA_FIRST = ("gray", "yuv4", "yuvj4", "yuva4", "nv1", "nv2", *_PACKED)
_RGB = ("bgr0", "bgr24", "rgb24", "rgb0", "0rgb", "0bgr", "bgra", "rgba", "argb", "abgr", "gbrp")


class VideoWriter:
    """Writes FFV1 in Matroska (`.mkv`) or AVI (`.avi`), by the ending of the path.

    `raw` writes bare pixels instead, which in AVI any program reads (Y800 if grey).
    The first frame fixes size and pixel type: uint8 grey, uint8 BGR or uint16 grey. Matroska keeps
    times to the millisecond; in AVI frame n stands at n periods of the rate. RecordingError when
    the disk refuses or a frame does not fit; what was written before stays readable.
    """

    def __init__(
        self, path: Path, frame_rate_hz: float, first: Image, *, raw: bool = False
    ) -> None:
        kind, options = CONTAINERS[path.suffix.lower()]
        self.path = path
        self.frames = 0
        self._last_us = 0
        self._shape, self._dtype = first.shape, first.dtype
        self._pixels = _PIXELS[first.ndim, str(first.dtype)]
        rate = Fraction(frame_rate_hz or 30).limit_denominator(10_000)
        self._timed = kind == "matroska"
        self._time_base = MICROSECOND if self._timed else 1 / rate
        if path.exists():
            raise RecordingError(f"cannot write {path}: it exists, and nothing is overwritten")
        try:
            self._container = av.open(str(path), "w", format=kind, options=options)
        except OSError as error:
            raise disk_error(path, error) from error
        codec = ("rawvideo", {}) if raw else ("ffv1", FFV1)
        self._stream = self._container.add_stream(codec[0], rate=rate, options=codec[1])
        self._stream.height, self._stream.width = first.shape[:2]
        self._stream.pix_fmt = self._pixels
        self._stream.codec_context.thread_count = 1
        self._stream.time_base = self._stream.codec_context.time_base = self._time_base
        self._open = True

    def add(self, mat: Image, time_us: int) -> None:
        """Write one frame."""
        if mat.shape != self._shape or mat.dtype != self._dtype:
            raise RecordingError(
                f"{self.path} holds frames of {self._dtype} {self._shape}; "
                f"the next one is {mat.dtype} {mat.shape}"
            )
        if self._pixels == "gray":
            # The encoder reads the pixels where they lie.
            frame = av.VideoFrame.from_numpy_buffer(mat, format="gray")
        elif self._pixels == "bgr0":
            frame = av.VideoFrame.from_ndarray(mat, format="bgr24").reformat(format="bgr0")
        else:
            frame = av.VideoFrame.from_ndarray(mat, format=self._pixels)
        # A container takes no time that runs back; the time file beside it keeps the true one.
        self._last_us = max(time_us, self._last_us)
        frame.pts = self._last_us if self._timed else self.frames
        frame.time_base = self._time_base
        try:
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise disk_error(self.path, error) from error
        self.frames += 1

    def close(self) -> None:
        """Finish the file; may be called twice."""
        if not self._open:
            return
        self._open = False
        try:
            if self.frames:
                self._container.mux(self._stream.encode(None))
            self._container.close()
        except OSError as error:
            raise disk_error(self.path, error) from error


class VideoReader:
    """Reads a video as grey bytes, exactly as they are stored, or as BGR where it is RGB.

    Of a YUV video the luma plane is given, unscaled: a microscope's pixels are luma. `size` is
    (height, width). RecordingError if there is no such file, no video in it, or no decoder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []
        with self._container() as container:
            stream = _stream(container, path)
            context = stream.codec_context
            self.codec = context.codec.name
            self.pixels = context.pix_fmt or ""
            self.size = (context.height, context.width)
            self.nominal_rate_hz = float(stream.average_rate or 0)
            self.container = container.format.name.partition(",")[0]
            self._listed_frames = stream.frames if self.nominal_rate_hz else 0
        if not self.pixels or 0 in self.size:
            raise RecordingError(f"{path} holds no frame that can be decoded; was it cut short?")
        self.has_color = self.pixels in _RGB
        self.bits = _bits(self.pixels)
        self.depth = 16 if self.bits > 8 else 8

    def times_us(self) -> NDArray[np.int64]:
        """Give the time of every stored frame, from the container, without decoding any.

        Frames that carry no time of their own stand at the nominal rate.
        """
        self.damage = [cut] if (cut := what_was_cut(self.path)) else []
        times = matroska_times_us(self.path) if self.container == "matroska" else None
        # A frame takes 8 bytes at least, so a header that names more is damaged.
        credible = self._listed_frames <= self.path.stat().st_size // 8
        if times is None and self.container == "avi" and credible and not self.damage:
            times = [round(n * 1e6 / self.nominal_rate_hz) for n in range(self._listed_frames)]
        return np.sort(np.array(times if times else self._packet_times_us(), np.int64))

    def _packet_times_us(self) -> list[int]:
        self.damage = []
        period_us = 1e6 / (self.nominal_rate_hz or 30)
        times: list[int] = []
        with self._container() as container:
            for packet in self._packets(container):
                if packet.size and packet.pts is not None:
                    times.append(int(packet.pts * (packet.time_base or MICROSECOND) / MICROSECOND))
                elif packet.size:
                    times.append(round(len(times) * period_us))
        return times

    def frames(self, first: int = 0) -> Iterator[tuple[int, Image]]:
        """Give every frame from the `first` on, with its place among the stored ones.

        `damage` says afterwards, in sentences, what could not be read. A frame that does not
        decode is left out, and its place stays empty.
        """
        self.damage = []
        place = 0
        with self._container() as container:
            context = _stream(container, self.path).codec_context
            # A decoder's own threads would log while it closes, which holds Python's lock: a hang.
            context.thread_count = 1
            for packet in self._packets(container):
                # Intra-coded frames are skipped undecoded; others need all before them.
                if place < first and self.codec == "ffv1" and packet.size:
                    place += 1
                    continue
                try:
                    with av.logging.Capture() as log:
                        decoded = packet.decode()
                except FFmpegError as error:
                    self.damage.append(
                        f"{self.path.name}: frame {place} is damaged ({error.strerror})"
                    )
                    place += 1
                    continue
                for frame in decoded:
                    assert isinstance(frame, av.VideoFrame)
                    if frame.is_corrupt or any("CRC mismatch" in text for _, _, text in log):
                        self.damage.append(f"{self.path.name}: frame {place} fails its checksum")
                    if place >= first and (frame.height, frame.width) == self.size:
                        yield place, _image(frame, self.pixels)
                    place += 1

    def _container(self) -> InputContainer:
        try:
            return av.open(str(self.path))
        except (OSError, ValueError, FFmpegError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise RecordingError(f"cannot read the video {self.path}: {why}") from error

    def _packets(self, container: InputContainer) -> Iterator[Packet[VideoStream]]:
        if cut := what_was_cut(self.path):
            self.damage.append(cut)
        try:
            yield from container.demux(_stream(container, self.path))
        except FFmpegError as error:
            self.damage.append(f"{self.path.name} breaks off ({error.strerror})")


def _stream(container: InputContainer, path: Path) -> VideoStream:
    if not container.streams.video:
        raise RecordingError(f"{path} holds no video")
    stream = container.streams.video[0]
    # The binding gives no context at all for a codec that FFmpeg has no decoder for.
    if getattr(stream, "codec_context", None) is None:
        raise RecordingError(
            f"the codec of {path} is unknown to FFmpeg {av.ffmpeg_version_info}; "
            f"convert it to FFV1, for example with `ffmpeg -i IN -c:v ffv1 OUT.mkv`"
        )
    return stream


def _image(frame: av.VideoFrame, pixels: str) -> Image:
    kind = np.uint16 if _bits(pixels) > 8 else np.uint8
    if pixels in _RGB or pixels.endswith("be") or not pixels.startswith(_LUMA_FIRST):
        given = "bgr24" if pixels in _RGB else "gray16le" if kind is np.uint16 else "gray"
        # The lines of a decoded frame may be padded.
        return cast("Image", np.ascontiguousarray(frame.to_ndarray(format=given)))
    luma = np.frombuffer(memoryview(frame.planes[0]), kind).reshape(frame.height, -1)
    if pixels in _PACKED:
        luma = luma[:, _PACKED[pixels] :: 2]
    return cast("Image", np.ascontiguousarray(luma[:, : frame.width]))


def _bits(pixels: str) -> int:
    """Give how many bits a grey pixel of a format has."""
    deep = re.search(r"(9|10|12|14|16)[lb]e$", pixels)
    return int(deep[1]) if deep else 8
