"""Folders as rigs leave them, and the project that names them; made by test code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from syntalos_miniscope.analysis.extraction import Extraction
from syntalos_miniscope.analysis.pipeline import MiniscopePipeline
from syntalos_miniscope.recording.daq_folder import DaqDevice, DaqSession
from syntalos_miniscope.recording.video import VideoWriter
from syntalos_miniscope.streams import Frame

PARAMETERS = (
    "line number,crop_coords,gSig,min_corr,min_pnr,decay_time,pw_rigid,event_height,backend\n"
    '96,"(0, 256, 128, 128)","(3, 3)",0.7,8,0.4,TRUE,3,built-in\n'
    '97,"(0, 256, 128, 128)","(3, 3)",0.7,8,0.4,TRUE,3,built-in\n'
    '98,,"(3, 3)",0.7,8,0.4,TRUE,3,built-in\n'
)


def daq_session(root: Path, frames: np.ndarray, rate_hz: float = 20.0) -> Path:
    """A session of the DAQ-QT layout, with a behaviour camera beside the Miniscope."""
    about = DaqSession(animal="R1")
    folder = about.folder(root)
    step_us = round(1e6 / rate_hz)
    # The camera is written first: the oldest files of the session are not the Miniscope's.
    camera = DaqDevice(folder / "BehavCam 0", 30.0, session=about, kind="cameras")
    for index in range(40):
        camera.add(Frame(index, 33_333 * index, np.full((48, 64), index, np.uint8)))
    camera.close()
    device = DaqDevice(folder / "My_V4_Miniscope", rate_hz, session=about)
    for index, frame in enumerate(frames):
        device.add(Frame(index, step_us * index, np.ascontiguousarray(frame)))
    device.close()
    return folder


def onix_folder(root: Path, frames: np.ndarray, rate_hz: float = 20.0) -> Path:
    """A folder of an ONIX system: two AVIs, a clock of 250 MHz, and the line of the start."""
    folder = root / "onix"
    folder.mkdir(parents=True)
    half = len(frames) // 2
    for part, some in enumerate((frames[:half], frames[half:])):
        video = VideoWriter(folder / f"miniscope_{part}.avi", rate_hz, some[0])
        for frame in some:
            video.add(np.ascontiguousarray(frame), 0)
        video.close()
    (folder / "start-time_0_miniscope.csv").write_text(
        "2024-01-31T12:30:00.000000,250000000,2048,2048\n"
    )
    ticks = np.arange(len(frames), dtype="<u8") * round(250_000_000 / rate_hz) + 9_000_000
    ticks.tofile(folder / "ucla-miniscope-v4-clock_0.raw")
    return folder


def project(root: Path, lines: Mapping[int, Path | str], parameters: str = "") -> Path:
    """A project folder whose `experiments.csv` names a folder for each line number."""
    folder = root / "project"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{number},R1,240131,{place},,calm" for number, place in lines.items()]
    head = "line number,id,date (YYMMDD),calcium imaging directory,ephys directory,comments"
    (folder / "experiments.csv").write_text("\n".join([head, *rows, ""]))
    if parameters:
        (folder / "analysis_parameters.csv").write_text(parameters)
    return folder


def cells(pipeline) -> Extraction:
    found = pipeline.processing_result.extraction
    assert found is not None
    return found


def again(rig, line=96, headless=True, **options):
    """Run once more, and give the pipeline and what it was busy with."""
    told: list[str] = []
    pipeline = MiniscopePipeline(progress=lambda what, _: told.append(what))
    pipeline.run(line, rig, None, headless, **options)
    return pipeline, set(told)
