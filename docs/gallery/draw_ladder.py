"""Draws the pictures of ladder.md: `python docs/gallery/draw_ladder.py`."""

from __future__ import annotations

import numpy as np
from figures import BLUE, INK, ORANGE, RED, panels, save, show

from syntalos_miniscope.simulation import (
    Acquisition,
    Bleaching,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    ImageSensor,
    Leakage,
    Neuropil,
    Optics,
    PlaceNeurons,
    Recording,
    Sensor,
    Spec,
    Vignette,
    simulate,
)
from syntalos_miniscope.simulation.steps import AnyStep

ACQUISITION = Acquisition(
    fps=20.0,
    duration_s=20.0,
    optics=Optics(magnification=8.0),
    image_sensor=ImageSensor(n_px_height=200, n_px_width=200, pixel_pitch_um=8.0),
)
TIME_S = np.arange(400) / 20
SIDE_UM = 200.0
CELLS: list[AnyStep] = [PlaceNeurons(), CellActivity(), CellOptics(), Composite()]
FIELDS: list[AnyStep] = [IlluminationProfile(), Vignette(), Leakage()]


def rung(steps: list[AnyStep], until: str | None = None) -> Recording:
    """Render one rung."""
    return simulate(Spec(acquisition=ACQUISITION, seed=1, steps=steps), until=until)


def busy_frame(recording: Recording) -> int:
    """Give the frame in which most happens."""
    return int(recording.ground_truth.C.sum(0).argmax())


def cells_on_black() -> None:
    """Draw rung 1."""
    recording = rung([PlaceNeurons(), CellActivity(), Composite()])
    truth = recording.ground_truth
    figure, (left, middle, right) = panels(3)
    frame = recording.observed[busy_frame(recording)]
    show(left, frame, "A frame", SIDE_UM, vmax=np.percentile(frame, 99.5))
    z_um, y_um, x_um = truth.centers_um.T
    dots = middle.scatter(x_um, y_um, c=z_um, s=14, cmap="viridis_r")
    middle.set(title="Where the cells are", xlabel="x, µm", ylabel="y, µm", aspect="equal")
    middle.invert_yaxis()
    figure.colorbar(dots, ax=middle, label="depth, µm")
    for row, unit in enumerate(np.argsort(truth.C.max(1))[-50::10]):
        trace = truth.C[unit] / truth.C[unit].max()
        right.plot(TIME_S, trace + 1.1 * row, color=INK)
        spikes = np.flatnonzero(truth.S[unit])
        right.plot(TIME_S[spikes], np.full(len(spikes), 1.1 * row - 0.07), "|", color=RED, ms=3)
    right.set(title="Calcium of five cells, and spikes", xlabel="time, s", yticks=[])
    save(figure, "ladder-1-cells")


def optics() -> None:
    """Draw rung 2."""
    truth = rung(CELLS).ground_truth
    assert truth.observed_sigma_px is not None
    assert truth.observed_gain is not None
    assert truth.focal_depth_um is not None
    middle = np.abs(truth.centers_um[:, 1:]).max(1) < 60
    off_um = np.abs(truth.depth_um - truth.focal_depth_um)
    unit = int(np.argmin(np.where(middle, np.abs(off_um - 18), np.inf)))
    row, column = np.round(99.5 + truth.centers_um[unit, 1:]).astype(int)
    cut = np.s_[row - 32 : row + 33, column - 32 : column + 33]
    figure, (left, centre, right) = panels(3, gridspec_kw={"width_ratios": [1, 1, 1.6]})
    show(left, truth.A_planted[unit][cut], "One cell, sharp", 65)
    seen = truth.A_observed[unit][cut]
    show(centre, seen, f"… as the scope sees it (peak {seen.max():.3f})", 65)
    z_um = np.linspace(0, 200, 201)
    optics, tissue = ACQUISITION.optics, ACQUISITION.tissue
    right.plot(
        truth.depth_um, truth.observed_sigma_px, ".", color=BLUE, ms=4, label="blur of a cell"
    )
    defocus = optics.defocus_sigma_um(z_um, truth.focal_depth_um)
    right.plot(z_um, defocus, ":", color=INK, label="of which defocus")
    right.plot(z_um, tissue.scatter_sigma_um(z_um), "--", color=INK, label="of which scatter")
    right.set(xlabel="depth, µm", ylabel="blur (σ), px", title="Blur and loss by depth")
    loss = right.twinx()
    order = truth.depth_um.argsort()
    loss.plot(truth.depth_um[order], truth.observed_gain[order], color=RED)
    loss.set_ylabel("light that arrives", color=RED)
    loss.set_ylim(0)
    right.legend(loc="upper center")
    save(figure, "ladder-2-optics")


def motion() -> None:
    """Draw rung 3."""
    truth = rung([*CELLS, BrainMotion()]).ground_truth
    assert truth.shifts is not None
    dy, dx = truth.shifts.T
    figure, (left, right) = panels(2, gridspec_kw={"width_ratios": [2.4, 1]})
    left.plot(TIME_S[:200], dy[:200], color=BLUE, label="down")
    left.plot(TIME_S[:200], dx[:200], color=ORANGE, label="right")
    left.set(xlabel="time, s", ylabel="shift, px", title="How far the picture is shifted")
    left.legend(loc="upper right", ncols=2)
    right.plot(dx, dy, color=INK, linewidth=0.5, alpha=0.6)
    right.set(xlabel="right, px", ylabel="down, px", title="The path", aspect="equal")
    right.invert_yaxis()
    save(figure, "ladder-3-motion")


def neuropil() -> None:
    """Draw rung 4."""
    recording = rung([*CELLS, Neuropil()])
    truth = recording.ground_truth
    assert truth.neuropil_spatial is not None
    assert truth.neuropil_temporal is not None
    assert truth.neuropil_population is not None
    figure, (left, middle, right) = panels(3, gridspec_kw={"width_ratios": [1, 1, 1.5]})
    show(left, recording.observed[busy_frame(recording)], "Cells in haze", SIDE_UM)
    show(middle, truth.neuropil_spatial.sum(0), "The haze in space", SIDE_UM, cmap="viridis")
    for k, trace in enumerate(truth.neuropil_temporal):
        right.plot(TIME_S, trace, label=f"field {k + 1}")
    population = truth.neuropil_population
    right.plot(TIME_S, population, color="black", linewidth=1.5, label="population")
    right.set(xlabel="time, s", title="The haze in time")
    right.legend(ncols=2)
    save(figure, "ladder-4-neuropil")


def fields() -> None:
    """Draw rung 5."""
    recording = rung([*CELLS, Neuropil(), *FIELDS])
    truth = recording.ground_truth
    assert truth.illumination is not None
    assert truth.vignette is not None
    assert truth.leakage is not None
    figure, axes = panels(3)
    both = truth.illumination * truth.vignette
    for axis, picture, title in (
        (axes[0], both, "Illumination × vignette"),
        (axes[1], truth.leakage, "Stray light"),
    ):
        shown = show(axis, picture, title, SIDE_UM, cmap="magma", vmin=0)
        figure.colorbar(shown, ax=axis, shrink=0.8)
    show(axes[2], recording.observed[busy_frame(recording)], "A frame", SIDE_UM, vmin=0)
    save(figure, "ladder-5-fields")


def sensor() -> None:
    """Draw rung 6."""
    steps = [*CELLS, Bleaching(), Neuropil(), BrainMotion(), *FIELDS, Sensor()]
    recording, clean = rung(steps), rung(steps, until="leakage")
    k = busy_frame(recording)
    figure, (left, middle, right) = panels(3, gridspec_kw={"width_ratios": [1, 1, 1.2]})
    efficiency = ACQUISITION.image_sensor.quantum_efficiency
    white = np.percentile(recording.observed[k], 99.8)
    show(left, 100 * efficiency * clean.observed[k], "Expected electrons", SIDE_UM, vmax=white)
    show(middle, recording.observed[k], "Counts", SIDE_UM, vmin=0, vmax=white)
    right.hist(recording.observed.ravel(), bins=np.arange(257) - 0.5, color=INK, log=True)
    right.set(xlabel="counts", ylabel="pixels, all frames", title="How often each count is read")
    save(figure, "ladder-6-sensor")


PICTURES = (cells_on_black, optics, motion, neuropil, fields, sensor)

if __name__ == "__main__":
    for draw in PICTURES:
        draw()
