"""Draws the pictures of ../concepts/anatomy.md: `python docs/gallery/draw_anatomy.py`."""

from __future__ import annotations

import numpy as np
from figures import BLUE, INK, ORANGE, RED, panels, save, show
from matplotlib.colors import LinearSegmentedColormap

from syntalos_miniscope.simulation import (
    Acquisition,
    BrainMotion,
    CellActivity,
    CellOptics,
    Composite,
    IlluminationProfile,
    Leakage,
    NeuronPopulation,
    Neuropil,
    PlaceNeurons,
    Recording,
    Sensor,
    Spec,
    Vasculature,
    VesselLayer,
    Vignette,
    simulate,
)
from syntalos_miniscope.simulation.presets import MINISCOPE_V4
from syntalos_miniscope.simulation.steps import AnyStep

PX = 242
FOCUS_UM = 120.0
CELL = NeuronPopulation(
    density_per_mm3=12000, soma_radius_um=6, morphology="cytosolic", depth_range_um=(60, 220)
)
LAYER = CELL.model_copy(update={"depth_range_um": (112.0, 128.0), "density_per_mm3": 32000.0})
VESSELS = VesselLayer(depth_um=95, n_roots=3, root_radius_um=20, opacity=0.9, branch_prob=0.12)
FIELDS: list[AnyStep] = [IlluminationProfile(falloff=0.55), Vignette(falloff=0.5)]
GREEN = LinearSegmentedColormap.from_list("gcamp", ["black", "#0a5c1e", "#36d35a", "#eaffea"])


def acquisition(seconds: float = 10.0) -> Acquisition:
    """Give a Miniscope V4 that looks at 400 µm."""
    sensor = MINISCOPE_V4.image_sensor.model_copy(update={"n_px_height": PX, "n_px_width": PX})
    return Acquisition(
        optics=MINISCOPE_V4.optics,
        image_sensor=sensor,
        duration_s=seconds,
        focal_depth_in_tissue_um=FOCUS_UM,
    )


SIDE_UM = acquisition().fov_um[0]


def render(*steps: AnyStep, cells: NeuronPopulation = CELL, seed: int = 6) -> Recording:
    """Render cells seen through the lens, and what else there is."""
    place = PlaceNeurons(populations=[cells])
    seen: list[AnyStep] = [place, CellActivity(), CellOptics(), Composite(), *steps]
    return simulate(Spec(acquisition=acquisition(), seed=seed, steps=seen))


def busy(recording: Recording) -> np.ndarray:
    """Give the frame in which most happens."""
    truth = recording.ground_truth
    light = truth.C if truth.observed_gain is None else truth.C * truth.observed_gain[:, None]
    return recording.observed[int(light.sum(0).argmax())]


def no_sectioning() -> None:
    """Draw what a scan of one plane would show, and what a miniscope does."""
    recording = render()
    truth = recording.ground_truth
    k = int((truth.C * truth.observed_gain[:, None]).sum(0).argmax())  # pyright: ignore[reportOptionalSubscript]
    near = np.abs(truth.depth_um - FOCUS_UM) < 12
    parts = [
        np.tensordot(truth.C[chosen, k], truth.A_observed[chosen], 1) for chosen in (near, ~near)
    ]
    white = np.percentile(sum(parts), 99.7)
    figure, axes = panels(3, 3.1)
    titles = [
        "Cells within 12 µm of the focus",
        "Cells above and below",
        "What the sensor gets: both",
    ]
    for axis, picture, title in zip(axes, [*parts, parts[0] + parts[1]], titles, strict=True):
        show(axis, picture, title, SIDE_UM, vmin=0, vmax=white)
    save(figure, "anatomy-sectioning")


def depth_and_focus() -> None:
    """Draw one cell at several depths under one focus."""
    depths_um = [20.0, 70.0, 120.0, 170.0, 220.0]
    places = [(z, 0.0, 0.0) for z in depths_um]
    truth = render(cells=CELL.model_copy(update={"positions_um": places})).ground_truth
    middle = np.s_[PX // 2 - 50 : PX // 2 + 50, PX // 2 - 50 : PX // 2 + 50]
    pictures = [picture[middle] for picture in truth.A_observed]
    figure, axes = panels(6, 2.0, gridspec_kw={"width_ratios": [1] * 5 + [1.5]})
    for axis, picture, z_um in zip(axes, pictures, depths_um, strict=False):
        title = f"{z_um:.0f} µm" + (", in focus" if z_um == FOCUS_UM else "")
        show(axis, np.sqrt(picture), title, 100 * acquisition().pixel_size_um, vmin=0,
             vmax=np.sqrt(max(p.max() for p in pictures)))  # fmt: skip
    peaks = [picture.max() for picture in pictures]
    axes[5].semilogy(depths_um, np.array(peaks) / max(peaks), "o-", color=INK, ms=3)
    axes[5].set(xlabel="depth, µm", title="Brightest pixel, relative")
    save(figure, "anatomy-depth")


def background() -> None:
    """Draw cells, then haze over them, then vessels over both."""
    haze, vessels = Neuropil(amplitude=0.15), Vasculature(enabled=True, layers=[VESSELS])
    pictures = [busy(render()), busy(render(haze)), busy(render(haze, vessels))]
    white = np.percentile(pictures[1], 99.7)
    figure, axes = panels(3, 3.1)
    titles = ["Cells only", "… in the haze of the neuropil", "… behind blood vessels"]
    for axis, picture, title in zip(axes, pictures, titles, strict=True):
        show(axis, picture, title, SIDE_UM, vmin=0, vmax=white)
    save(figure, "anatomy-background")


def cross_talk() -> None:
    """Draw what a region around one cell measures, and what the cell did."""
    recording = render(Neuropil(amplitude=0.05))
    truth, pixel_um = recording.ground_truth, acquisition().pixel_size_um
    footprints = truth.A_observed
    lit = truth.C.max(1) * footprints.max((1, 2))
    inside = np.abs(truth.centers_um[:, 1:]).max(1) < 120
    unit = int(np.argsort(np.where(inside & (np.abs(truth.depth_um - 135) < 12), lit, 0))[-3])
    region = footprints[unit] > 0.5 * footprints[unit].max()
    measured = recording.observed[:, region].mean(1)
    alone = truth.C[unit] * footprints[unit][region].mean()
    share = footprints[:, region].mean(1) * truth.C.std(1)
    others = [int(k) for k in np.argsort(share)[::-1] if k != unit][:4]
    row, column = np.round((PX - 1) / 2 + truth.centers_um[unit, 1:] / pixel_um).astype(int)
    around = np.s_[max(row - 45, 0) : row + 45, max(column - 45, 0) : column + 45]
    figure, (left, right) = panels(2, 3.1, gridspec_kw={"width_ratios": [1, 1.9]})
    frame = recording.observed[truth.C[unit].argmax()][around]
    show(left, frame, "One region, many cells", frame.shape[1] * pixel_um, vmin=0)
    for k, color in [*((k, ORANGE) for k in others), (unit, RED)]:
        half = 0.5 * footprints[k].max()
        left.contour(footprints[k][around], [half], colors=[color], linewidths=1.2)
    time_s = np.arange(len(measured)) / 20
    right.plot(time_s, measured, color=INK, label="mean of the region's pixels")
    right.plot(time_s, alone, color=RED, label="the cell's own light")
    right.set(xlabel="time, s", ylabel="intensity", title="A region's trace is not the cell's")
    right.legend()
    save(figure, "anatomy-cross-talk")


def motion() -> None:
    """Draw what one column of pixels sees of a still and of a moving brain."""
    moves = BrainMotion(motion_amplitude_um=10, max_shift_um=14)
    # A brain that could move but does not has the same cells.
    rests = BrainMotion(motion_amplitude_um=1e-6, max_shift_um=14)
    still, moving = render(rests, cells=LAYER), render(moves, cells=LAYER)
    truth = moving.ground_truth
    assert truth.shifts is not None
    column = int(still.observed[:, 40:200].std(0).sum(0).argmax())
    figure, axes = panels(3, 2.8, gridspec_kw={"width_ratios": [1.2, 1.2, 1.5]})
    white = np.percentile(still.observed[:100, 40:200, column], 99.5)
    for axis, recording, title in ((axes[0], still, "still"), (axes[1], moving, "moving")):
        lines = recording.observed[:100, 40:200, column].T
        axis.imshow(lines, aspect="auto", vmin=0, vmax=white, extent=(0, 5, 265, 0))
        axis.set(xlabel="time, s", ylabel="along a column, µm", title=f"A brain that is {title}")
    time_s, shift_um = np.arange(200) / 20, truth.shifts * acquisition().pixel_size_um
    axes[2].plot(time_s, shift_um[:, 0], color=BLUE, label="down")
    axes[2].plot(time_s, shift_um[:, 1], color=ORANGE, label="right")
    axes[2].set(xlabel="time, s", ylabel="shift, µm", title="Where the brain is", ylim=(-14, 14))
    axes[2].legend(ncols=2, loc="upper right")
    save(figure, "anatomy-motion")


def bright_centre() -> None:
    """Draw equal cells under uneven light."""
    at = np.linspace(-170, 170, 7)
    places = [(FOCUS_UM, float(y), float(x)) for y in at for x in at]
    cells = CELL.model_copy(update={"positions_um": places, "morphology": "soma"})
    steps: list[AnyStep] = [PlaceNeurons(populations=[cells]), CellOptics(), Composite(), *FIELDS]
    activity = CellActivity(brightness_cv=0, quiescent_rate_hz=0, p_quiescent_to_active=1e-9)
    spec = Spec(acquisition=acquisition(0.05), seed=1, steps=[*steps, activity])
    recording = simulate(spec)
    truth = recording.ground_truth
    assert truth.illumination is not None
    assert truth.vignette is not None
    figure, (left, middle, right) = panels(3, 3.0)
    both = truth.illumination * truth.vignette
    shown = show(left, both, "Light in × light out", SIDE_UM, cmap="magma", vmin=0, vmax=1)
    figure.colorbar(shown, ax=left, shrink=0.8)
    show(middle, recording.observed[0], "Cells that are all the same", SIDE_UM)
    x_um = (np.arange(PX) - (PX - 1) / 2) * acquisition().pixel_size_um
    diagonal = np.sqrt(2) * x_um
    right.plot(diagonal, np.diag(truth.illumination), color=BLUE, label="excitation")
    right.plot(diagonal, np.diag(truth.vignette), color=ORANGE, label="collection")
    right.plot(diagonal, np.diag(both), color=INK, label="both")
    right.set(xlabel="along the diagonal, µm", title="Relative to the centre", ylim=(0, 1.05))
    right.legend(loc="lower center")
    save(figure, "anatomy-fields")


def sensor_and_whole() -> None:
    """Draw what the sensor adds, and the whole frame."""
    steps: list[AnyStep] = [
        Neuropil(amplitude=0.16),
        Vasculature(enabled=True, layers=[VESSELS]),
        BrainMotion(motion_amplitude_um=5, max_shift_um=8),
        *FIELDS,
        Leakage(level=0.02),
    ]
    cells = CELL.model_copy(update={"density_per_mm3": 30000.0})
    clean = render(*steps, cells=cells)
    seen = render(*steps, Sensor(photons_per_unit=900), cells=cells)
    # Many cells at once, rather than one that outshines the rest.
    k = int(np.percentile(clean.observed, 97, axis=(1, 2)).argmax())
    electrons = 900 * 0.7 * clean.observed[k]
    white = np.percentile(electrons, 99.7)
    figure, axes = panels(3, 3.1)
    show(axes[0], electrons, "Light that arrives, as electrons", SIDE_UM, vmin=0, vmax=white)
    show(axes[1], seen.observed[k], "Counts", SIDE_UM, vmin=0, vmax=white)
    row = int(np.unravel_index(clean.observed[k].argmax(), (PX, PX))[0])
    axes[2].plot(seen.observed[k][row], color=INK, linewidth=0.7, label="counts")
    axes[2].plot(electrons[row], color=RED, label="without noise")
    axes[2].set(xlabel="column, px", title=f"Along row {row}")
    axes[2].legend()
    save(figure, "anatomy-sensor")
    figure, (left, right) = panels(2, 4.4)
    show(left, seen.observed[k], "The frame, in the colour of GCaMP", SIDE_UM, cmap=GREEN,
         vmin=0, vmax=1.1 * white)  # fmt: skip
    show(right, seen.observed[k], "The same frame, as the file has it", SIDE_UM, vmin=0, vmax=255)
    save(figure, "anatomy-whole")


PICTURES = (
    *(no_sectioning, depth_and_focus, background, cross_talk, motion),
    *(bright_centre, sensor_and_whole),
)

if __name__ == "__main__":
    for draw in PICTURES:
        draw()
