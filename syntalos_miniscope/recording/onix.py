"""Reads the folder of a Miniscope V4 on an ONIX system: AVIs, a clock, and when it all began."""

from __future__ import annotations

import csv
import re
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.recorded import Findings, Recording, VideoParts, settle

START = "start-time_*_miniscope.csv"
"""One line without a header: when, ticks of the clock a second, size of reads and of writes."""
CLOCK = "ucla-miniscope-v4-clock_*.raw"
"""uint64, little-endian: the tick of the clock at each frame."""
USUAL_CLOCK_HZ = 250_000_000
LONGEST_US = 1e14


def is_onix(path: Path) -> bool:
    """Whether a folder is one of an ONIX acquisition with a Miniscope."""
    return any(path.glob(START))


def natural(path: Path) -> list[str | int]:
    """Give what sorts names as a person would: `2.avi` before `10.avi`."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [int(part) if part.isdecimal() else part for part in parts]


def open_onix(path: Path) -> Recording:
    """Open the acquisition; its AVIs follow each other in natural order.

    Where names tell the videos of the Miniscope from others, others are left out.
    RecordingError if there is more than one acquisition, or a file is absent or damaged.
    """
    found = Findings()
    started, clock_hz = _start(_the_only(path, START), found)
    videos = sorted(path.glob("*.avi"), key=natural)
    if not videos:
        raise RecordingError(f"{path} holds no video: frames of an ONIX system are read from *.avi")
    of_the_scope = [video for video in videos if "miniscope" in video.name.lower()]
    parts = VideoParts(of_the_scope or videos, found)
    ticks = _ticks(_the_only(path, CLOCK), found)
    frames = sum(parts.counts)
    count = min(frames, len(ticks))
    if not count:
        raise RecordingError(f"{path} holds no frames")
    if len(ticks) > frames:
        found.broken(f"{len(ticks)} times for {frames} frames: the last are left out")
    elif frames - len(ticks) > 1:
        raise RecordingError(f"{path} has {len(ticks)} times of the clock for {frames} frames")
    elif frames > len(ticks):
        found.broken("the last frame has no time and is left out")
    passed_us = (ticks[:count].astype(np.float64) - float(ticks[0])) * (1e6 / clock_hz)
    if np.abs(passed_us).max() > LONGEST_US:
        raise RecordingError(f"{path} holds a time of the clock that is years from the first")
    time_us = np.rint(passed_us).astype(np.int64)
    index, time_us = settle(np.arange(count, dtype=np.int64), time_us, found)
    return Recording(
        path=path,
        layout="onix",
        name=path.name,
        source=parts,
        index=index,
        time_us=time_us,
        remarks=tuple(found.remarks),
        damage=tuple(found.damage),
        started=started,
        device={"deviceType": "UCLA Miniscope V4 on ONIX", "acq_clk_hz": clock_hz},
    )


def _the_only(path: Path, pattern: str) -> Path:
    files = sorted(path.glob(pattern), key=natural)
    if len(files) != 1:
        names = ", ".join(file.name for file in files)
        raise RecordingError(
            f"{path} holds {len(files)} files {pattern}{f' ({names})' if names else ''}; one "
            f"acquisition has one, so give each a folder of its own"
        )
    return files[0]


def _start(file: Path, found: Findings) -> tuple[datetime | None, int]:
    try:
        rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    except (UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{file} is not a line of text ({error})") from error
    cells = [cell.strip() for cell in rows[0]] if rows else []
    try:
        started = datetime.fromisoformat(cells[0])
    except (ValueError, IndexError):
        found.odd(f"{file.name} does not begin with a date, so when it began is not known")
        started = None
    if len(cells) > 1 and cells[1].isdecimal() and int(cells[1]) > 0:
        return started, int(cells[1])
    found.odd(f"{file.name} does not say how fast the clock ticks; {USUAL_CLOCK_HZ} Hz is taken")
    return started, USUAL_CLOCK_HZ


def _ticks(file: Path, found: Findings) -> NDArray[np.uint64]:
    data = file.read_bytes()
    if len(data) % 8:
        found.broken(f"{file.name} ends in the middle of a time")
    return np.frombuffer(data[: len(data) // 8 * 8], "<u8")
