"""Recordings to be damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.recording import containment
from syntalos_miniscope.recording.daq_folder import DaqDevice
from syntalos_miniscope.recording.edl import ExperimentDir
from syntalos_miniscope.recording.video_dataset import VideoDataset
from syntalos_miniscope.simulation import (
    Acquisition,
    CellActivity,
    CellOptics,
    Composite,
    ImageSensor,
    PlaceNeurons,
    Sensor,
    Spec,
    simulate_zarr,
)
from syntalos_miniscope.streams import Frame


def frame(k: int) -> Frame:
    mat = np.random.default_rng(k).integers(0, 256, (16, 24), np.uint8)
    return Frame(k, 50_000 * k, mat)


@pytest.fixture(autouse=True)
def small_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of its memory is well within what `bounded_memory` allows."""
    monkeypatch.setattr(containment, "memory_bytes", lambda: 2.0**29)


@pytest.fixture
def edl(tmp_path: Path) -> Path:
    """A run with one video."""
    run = ExperimentDir.create(tmp_path, "m1", "maze")
    video = VideoDataset(run.dataset("scope"), "scope", 20.0)
    for k in range(3):
        video.add(frame(k))
        video.add_orientation(50_000 * k, (1.0, 0.0, 0.0, 0.0))
    video.close()
    run.mark(10_000, "a note")
    run.keep("report.json", '{"exit_reason": "finished", "length_s": 1.5, "nodes": []}')
    run.finish(success=True, length_ms=200, modules=[{"id": "a", "name": "b"}])
    return run.path


@pytest.fixture
def daq(tmp_path: Path) -> Path:
    """A session of the official software with one device."""
    device = DaqDevice(tmp_path / "session" / "Miniscope", 20.0)
    for k in range(3):
        device.add(frame(k))
        device.add_orientation(50_000 * k, (1.0, 0.0, 0.0, 0.0))
    device.close()
    return tmp_path / "session"


@pytest.fixture(scope="session")
def synthetic_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = Spec(
        acquisition=Acquisition(
            image_sensor=ImageSensor(n_px_height=24, n_px_width=32, pixel_pitch_um=8.0),
            fps=10.0,
            duration_s=0.5,
        ),
        steps=[
            PlaceNeurons(positions_um=[(20.0, 0.0, 0.0)], soma_radius_um=3.0),
            CellActivity(),
            CellOptics(),
            Composite(),
            Sensor(),
        ],
    )
    return simulate_zarr(spec, tmp_path_factory.mktemp("synthetic") / "rec.zarr")
