"""Exports to NWB with pynwb and ndx-miniscope, which are the extra `[nwb]`."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping
from importlib import import_module
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.export_layouts import ExportJob, started
from syntalos_miniscope.recording.recorded import Recording, VideoParts

_SERIES = "OnePhotonSeries"
_IDENTITY, _FRAMES_DONE = "export", "frames_done"
"""Attributes of a file that is not whole. The second is there only where writing was ended."""


def export_nwb(job: ExportJob, *, external: bool) -> None:
    """Write device, one-photon series, head orientation and notes into one NWB file.

    The frames are in the file, or, if `external`, stay in their videos, which it names relative to
    itself. They are written last, so that a stopped export goes on with the next one; one that was
    killed begins again, as HDF5 does not say what it had brought to the disk. RecordingError if
    the extra is not installed or there are no videos to name.
    """
    pynwb = _module("pynwb")
    done = _done(job)
    if done is None:
        file = _file(job, external)
        with pynwb.NWBHDF5IO(str(job.out), "w") as io:
            io.write(file)
    if not external:
        _write_pixels(job, done or 0)
    job.progress(len(job.recording), len(job.recording))


def _done(job: ExportJob) -> int | None:
    """Give how many frames a stopped export has written; None if there is none to go on with."""
    if not job.out.exists():
        return None
    try:
        with _module("h5py").File(job.out, "r") as left:
            identity, done = left.attrs.get(_IDENTITY), left.attrs.get(_FRAMES_DONE)
    except OSError:
        return None
    if identity is not None:
        job.ensure_left_by_the_same(identity)
    return None if done is None else int(done)


def _module(name: str) -> Any:
    """Import a part of the extra; its packages say little about their types."""
    try:
        return import_module(name)
    except ImportError as error:
        raise RecordingError(
            "NWB needs pynwb and ndx-miniscope: pip install 'syntalos-miniscope[nwb]'"
        ) from error


def _file(job: ExportJob, external: bool) -> Any:
    pynwb = _module("pynwb")
    recording = job.recording
    about = recording.device
    subject = str(about.get("subject_id") or about.get("animalName") or "")
    file = pynwb.NWBFile(
        session_description=f"Miniscope recording {recording.name}",
        identifier=str(uuid.uuid4()),
        session_start_time=started(recording).astimezone(),
        experimenter=[str(about["researcherName"])] if about.get("researcherName") else None,
        notes="\n".join(recording.findings) or None,
        subject=_module("pynwb.file").Subject(subject_id=subject) if subject else None,
    )
    device = _device(recording)
    file.add_device(device)
    file.add_acquisition(_series(job, device, file, external))
    if orientation := recording.orientation:
        file.add_acquisition(
            pynwb.TimeSeries(
                name="HeadOrientation",
                data=orientation.quaternion,
                timestamps=orientation.time_us / 1e6,
                unit="quaternion",
                description="Head orientation as the quaternion (w, x, y, z)",
            )
        )
    if recording.marks:
        file.add_acquisition(_notes(recording))
    return file


def _notes(recording: Recording) -> Any:
    common = _module("hdmf.common")
    times_s = [time_us / 1e6 for time_us, _ in recording.marks]
    texts = [text for _, text in recording.marks]
    columns = [
        common.VectorData(name="timestamp", data=times_s, description="Of the note, seconds"),
        common.VectorData(name="note", data=texts, description="What was noted"),
    ]
    return common.DynamicTable(name="Notes", description="Notes of a person", columns=columns)


def _device(recording: Recording) -> Any:
    about = recording.device
    height, width = recording.source.size
    more: dict[str, Any] = {}
    if (led := _whole(about, "led0")) is not None:
        more["led0"] = led
    if (gain := about.get("gain")) is not None:
        more["gain"] = str(gain)
    return _module("ndx_miniscope").Miniscope(
        name=str(about.get("deviceName") or "Miniscope"),
        deviceType=str(about.get("deviceType") or "Miniscope_V4_BNO"),
        compression=recording.source.codec,
        frameRate=f"{recording.frame_rate_hz:.0f}FPS",
        framesPerFile=len(recording),
        ROI=[height, width],
        description=f"ewl: {about['ewl']}" if "ewl" in about else "UCLA Miniscope",
        **more,
    )


def _whole(about: Mapping[str, Any], name: str) -> int | None:
    value = about.get(name)
    number = re.match(r"-?\d+(\.\d+)?", str(value)) if value is not None else None
    return int(float(number[0])) if number else None


def _series(job: ExportJob, device: Any, file: Any, external: bool) -> Any:
    ophys = _module("pynwb.ophys")
    recording = job.recording
    channel = ophys.OpticalChannel(
        name="OpticalChannel", description="Green fluorescence", emission_lambda=525.0
    )
    plane = file.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=channel,
        description="The plane in focus",
        device=device,
        excitation_lambda=470.0,
        indicator="unknown",
        location="unknown",
        imaging_rate=recording.frame_rate_hz,
    )
    common: dict[str, Any] = {
        "name": _SERIES,
        "imaging_plane": plane,
        "unit": "counts",
        "timestamps": recording.time_us / 1e6,
        "comments": "indexes of the frames: " + _ranges(recording.index),
    }
    if not external:
        return ophys.OnePhotonSeries(data=_room_for_pixels(recording), **common)
    if not isinstance(recording.source, VideoParts):
        raise RecordingError(f"{recording.path} has no videos that an external series could name")
    height, width = recording.source.size
    folder = job.out.resolve().parent
    return ophys.OnePhotonSeries(
        external_file=[os.path.relpath(r.path.resolve(), folder) for r in recording.source.readers],
        format="external",
        starting_frame=np.cumsum([0, *recording.source.counts[:-1]]).tolist(),
        dimension=[width, height],
        **common,
    )


def _room_for_pixels(recording: Recording) -> Any:
    """Give the dataset of the frames, still empty, as (time, width, height): NWB puts x first."""
    height, width = recording.source.size
    if recording.source.has_color:
        raise RecordingError(f"{recording.path} is in colour; a one-photon series is grey")
    # The fastest level: pixels are mostly noise.
    return _module("hdmf.backends.hdf5").H5DataIO(
        shape=(len(recording), width, height),
        dtype=np.dtype(f"uint{recording.source.depth}"),
        maxshape=(None, width, height),
        chunks=(1, width, height),
        compression="gzip",
        compression_opts=1,
    )


def _write_pixels(job: ExportJob, done: int) -> None:
    """Write the frames after the first `done`; what stops this leaves a file to go on with."""
    recording = job.recording
    with _module("h5py").File(job.out, "r+") as file:
        file.attrs[_IDENTITY] = job.identity
        file.attrs.pop(_FRAMES_DONE, None)
        file.flush()
        pixels = file[f"acquisition/{_SERIES}/data"]
        frames = job.frames(int(recording.index[done - 1]) if done else None)
        expected = recording.index[done:].tolist()
        try:
            for index, frame in zip_longest(expected, frames):
                if frame is None or frame.index != index:
                    raise RecordingError(
                        f"{recording.path}: frame {index} does not decode; export to edl, which "
                        f"leaves such frames out, and from there to nwb"
                    )
                pixels[done] = frame.mat.T
                done += 1
        finally:
            file.attrs[_FRAMES_DONE] = done
        for name in (_IDENTITY, _FRAMES_DONE):
            del file.attrs[name]


def _ranges(index: NDArray[np.int64]) -> str:
    breaks = np.flatnonzero(np.diff(index) != 1)
    begins = [0, *(breaks + 1).tolist()]
    ends = [*breaks.tolist(), len(index) - 1]
    return ", ".join(f"{index[b]}-{index[e]}" for b, e in zip(begins, ends, strict=True))
