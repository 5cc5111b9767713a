"""A simulated scope over a small field, as a box that a test drives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.simulation import Acquisition, ImageSensor, Spec
from syntalos_miniscope.simulation.presets import studio_spec
from syntalos_miniscope.streams import Control, ControlKind

SimulatedScope: Any = Catalog.shipped().node("simulated_scope")
TRUTH = ("truth-motion-out", "truth-traces-out", "truth-events-out", "truth-cells-out")


def small_spec(**sensor) -> Spec:
    whole = studio_spec("Miniscope V4 - CA1", seed=3)
    chip = ImageSensor(n_px_height=100, n_px_width=120, pixel_pitch_um=4.8, **sensor)
    acquisition = whole.acquisition.model_copy(update={"image_sensor": chip})
    return whole.model_copy(update={"acquisition": Acquisition.model_validate(acquisition)})


def script(small: Path, *, record_to: Path | None = None, wired=None, **settings) -> Script:
    node = SimulatedScope(SimulatedScope.Settings(spec_file=str(small), **settings))
    return Script(node, record_to=record_to, wired=wired)


def sent(made: Script) -> dict[str, list[Any]]:
    return made.emitted


def ran(made: Script, frames: int = 12) -> Script:
    """A run of so many raw frames, however long this computer takes for them."""
    made.prepare()
    made.start()
    try:
        for port, item in made.stream(until_us=60_000_000):
            sent(made)[port].append(item)
            if port == "frames-raw-out" and len(sent(made)[port]) == frames:
                made.feed("control-in", Control(ControlKind.STOP))
    finally:
        made.stop()
    return made
