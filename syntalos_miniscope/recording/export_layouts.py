"""The layouts that a recording is exported to, each filled so that a stopped export goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import numpy as np

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containers import what_was_cut
from syntalos_miniscope.recording.controls import ControlLog
from syntalos_miniscope.recording.daq import SIDECAR
from syntalos_miniscope.recording.daq_folder import (
    FRAMES_PER_FILE,
    NOTES,
    DaqDevice,
    DaqSession,
    daq_name,
    write_notes,
    write_user_config,
)
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.edl_tree import truth_of
from syntalos_miniscope.recording.quaternion_table import (
    TableColumns,
    is_valid,
    write_orientation,
)
from syntalos_miniscope.recording.recorded import Recording
from syntalos_miniscope.recording.tables import TableWriter
from syntalos_miniscope.recording.tsync import read_tsync
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.recording.zarr_recording import CHUNK_FRAMES, ZarrMovie, copy_truth
from syntalos_miniscope.streams import Frame

PART_FRAMES = 1000
_KEPT = ".kept"


@dataclass(frozen=True, slots=True)
class ExportJob:
    """What is exported, into which folder or file, and who hears of the progress."""

    recording: Recording
    out: Path
    columns: TableColumns
    progress: Callable[[int, int], None]
    identity: str
    """What is left of a stopped export with the same one, as text, can be taken up."""

    def ensure_left_by_the_same(self, identity: str) -> None:
        """Refuse to take up, with RecordingError, what another export has left."""
        if identity != self.identity:
            raise RecordingError(
                f"{self.out} is left from another export; remove it, or give another name"
            )

    def frames(self, after_index: int | None = None) -> Iterator[Frame]:
        """Give the frames, from the one after an index on, telling the progress."""
        recording = self.recording
        first = 0
        if after_index is not None:
            first = int(np.searchsorted(recording.index, after_index, side="right"))
        self.progress(first, len(recording))
        for done, frame in enumerate(recording.frames(first), start=first + 1):
            yield frame
            self.progress(done, len(recording))
        self.progress(len(recording), len(recording))


def started(recording: Recording) -> datetime:
    """Give when a recording was made, by its own word or else by its file."""
    if recording.started is not None:
        return recording.started
    return datetime.fromtimestamp(recording.path.stat().st_mtime)


def export_csv(job: ExportJob) -> None:
    """Write orientation, frame times and notes as tables."""
    recording = job.recording
    for name in ("orientation.csv", "frames.csv", "notes.csv"):
        (job.out / name).unlink(missing_ok=True)
    if recording.orientation is not None:
        write_orientation(recording, job.out / "orientation.csv", job.columns)
    table = TableWriter(job.out / "frames.csv", ("Frame", "Time [ms]"), ",")
    for index, time_us in zip(recording.index.tolist(), recording.time_us.tolist(), strict=True):
        table.add((str(index), f"{time_us / 1000:.3f}"))
    table.close()
    if recording.marks:
        table = TableWriter(job.out / "notes.csv", ("Time [ms]", "Note"), ",")
        for time_us, text in recording.marks:
            table.add((f"{time_us / 1000:.3f}", text))
        table.close()
    job.progress(len(recording), len(recording))


def export_daq(job: ExportJob) -> None:
    """Write the folder of the official DAQ software, all its levels, with a user configuration."""
    recording = job.recording
    about = recording.device
    session = DaqSession(
        animal=str(about.get("animalName") or about.get("subject_id") or "animal"),
        experiment=str(about.get("experimentName") or recording.path.stem),
        researcher=str(about.get("researcherName") or "researcher"),
        started=started(recording),
    )
    folder = session.folder(job.out)
    name = daq_name(str(about.get("deviceName") or "Miniscope"))
    videos, times = _kept_videos(job.out, folder / name)
    known = {key: about[key] for key in ("gain", "led0", "ewl", "deviceType") if key in about}
    device = DaqDevice(folder / name, recording.frame_rate_hz, session=session, settings=known)
    try:
        for number, video in enumerate(videos):
            part = times[number * FRAMES_PER_FILE : (number + 1) * FRAMES_PER_FILE]
            device.adopt(video, part, recording.source.size)
        after = times[len(videos) * FRAMES_PER_FILE - 1][0] if videos else None
        for frame in job.frames(after):
            device.add(frame)
        if orientation := recording.orientation:
            valid = is_valid(orientation.quaternion)
            for time_us, (w, x, y, z) in zip(
                orientation.time_us[valid].tolist(),
                orientation.quaternion[valid].tolist(),
                strict=True,
            ):
                device.add_orientation(time_us, (w, x, y, z))
    finally:
        device.close()
    for notes in (folder / NOTES, folder / name / NOTES):
        write_notes(notes, recording.marks)
    write_user_config(job.out, session, {name: "miniscopes"})
    shutil.rmtree(job.out / _KEPT, ignore_errors=True)


def _kept_videos(out: Path, device: Path) -> tuple[list[Path], list[tuple[int, int]]]:
    """Set aside the whole videos of a stopped export, and remove the rest of it."""
    sidecar = device / SIDECAR
    if not sidecar.is_file():
        sidecar = out / _KEPT / SIDECAR
    if not sidecar.is_file():
        return [], []
    try:
        file = read_tsync(sidecar)
    except RecordingError:
        return [], []
    times = [(int(index), int(time)) for index, time in file.entries]
    kept = out / _KEPT
    kept.mkdir(exist_ok=True)
    videos: list[Path] = []
    for number in range(len(times) // FRAMES_PER_FILE):
        video, aside = device / f"{number}.avi", kept / f"{number}.avi"
        if video.is_file() and what_was_cut(video) is None:
            video.rename(aside)
        if not aside.is_file():
            break
        videos.append(aside)
    if sidecar.parent == device:
        sidecar.replace(kept / SIDECAR)
    shutil.rmtree(out / device.relative_to(out).parts[0], ignore_errors=True)
    return videos, times


def export_edl(job: ExportJob) -> None:
    """Write an experiment directory: the video in parts, orientation, notes, controls."""
    recording = job.recording
    kept = _kept_parts(job.out, recording.name)
    about = recording.device
    subject = str(about.get("subject_id") or about.get("animalName") or "")
    run = ExperimentDir(job.out, started(recording).astimezone(), subject)
    video = VideoDataset(
        run.dataset(f"videos/{recording.name}"),
        recording.name,
        recording.frame_rate_hz,
        module="export",
        part_frames=PART_FRAMES,
    )
    after: int | None = None
    try:
        for part, times in kept:
            entries = read_tsync(times).entries
            video.adopt(part, times, len(entries), recording.source.size)
            after = int(entries[-1, 0])
        for frame in job.frames(after):
            video.add(frame)
    finally:
        video.close()
    if recording.orientation is not None:
        path = run.dataset("orientation").data_file("orientation.csv")
        write_orientation(recording, path, job.columns, ";")
    if recording.marks:
        path = run.dataset("notes").data_file("notes.csv")
        table = TableWriter(path, ("Time [ms]", "Note"))
        for time_us, text in recording.marks:
            table.add((f"{time_us / 1000:.3f}", text))
        table.close()
    if recording.controls:
        log = ControlLog(run.dataset("controls"))
        for time_us, control, shown, device in recording.controls:
            log.changed(time_us, control, shown, device)
        log.close()
    run.finish(success=True, length_ms=recording.length_us / 1000)
    shutil.rmtree(job.out / _KEPT, ignore_errors=True)


def _kept_parts(out: Path, name: str) -> list[tuple[Path, Path]]:
    """Set aside the whole parts of a stopped export, and remove the rest of it."""
    kept = out / _KEPT
    kept.mkdir(exist_ok=True)
    for file in (out / "videos").glob("*/*"):
        if file.suffix in (".mkv", ".tsync"):
            file.replace(kept / file.name)
    for entry in out.iterdir():
        if entry.is_dir() and entry != kept:
            shutil.rmtree(entry)
        elif entry.suffix == ".toml":
            entry.unlink()
    parts: list[tuple[Path, Path]] = []
    while True:
        number = len(parts) + 1
        videos = sorted(kept.glob(f"*_{number}.mkv"))
        if len(videos) != 1 or what_was_cut(videos[0]):
            return parts
        times = videos[0].with_name(f"{videos[0].stem}_timestamps.tsync")
        if not _are_whole(times):
            return parts
        parts.append((videos[0], times))


def _are_whole(times: Path) -> bool:
    """Whether a time file is that of a whole part; one that a kill left may end in its header."""
    try:
        file = read_tsync(times)
    except RecordingError:
        return False
    return not file.damage and len(file.entries) == PART_FRAMES


def export_zarr(job: ExportJob) -> None:
    """Write zarr: beside the truth in minisim's layout, where the recording has one."""
    recording = job.recording
    truth = truth_of(recording.path)
    if truth is not None and not (job.out / ".zgroup").is_file():
        copy_truth(truth, job.out, recording.index)
    first = next(iter(recording.frames()), None)
    if first is None:
        raise RecordingError(f"{recording.path} holds no frame that can be decoded")
    movie = ZarrMovie(job.out, len(recording), first.mat)
    frames = job.frames(movie.last_index if movie.done else None)
    while block := list(islice(frames, CHUNK_FRAMES)):
        movie.add(block)
    movie.finish(recording.orientation)
