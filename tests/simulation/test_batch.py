"""A recording is rendered into memory, to zarr or to a video, and is the same in all of them."""

from pathlib import Path

import numpy as np
import pytest
from everything import ACQUISITION, EVERYTHING, SHAPE

from syntalos_miniscope.recording.video import VideoReader
from syntalos_miniscope.simulation import (
    Acquisition,
    BrainMotion,
    CellActivity,
    Composite,
    Extras,
    ImageSensor,
    Output,
    PlaceNeurons,
    Recording,
    RecordingFormatWarning,
    Spec,
    simulate,
    simulate_video,
    simulate_zarr,
)
from syntalos_miniscope.simulation.batch import simulate_to
from syntalos_miniscope.simulation.cost import TooLargeError
from syntalos_miniscope.simulation.detection import Swing
from syntalos_miniscope.simulation.extras import Behaviour, Rotation
from syntalos_miniscope.simulation.renderer import Renderer


def same_truth(one: Recording, other: Recording) -> bool:
    pairs = [(getattr(one.ground_truth, n), getattr(other.ground_truth, n)) for n in ARRAYS]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs if a is not None)


ARRAYS = [
    *("C", "S", "centers_um", "amplitude_per_cell", "in_focus", "detectable", "A_planted"),
    *("A_observed", "observed_sigma_px", "observed_gain", "shifts", "illumination", "vignette"),
    *("leakage", "bleaching", "neuropil_temporal", "neuropil_spatial", "neuropil_population"),
    *("vasculature_mask", "vessel_overlap_fraction", "focal_depth_um"),
]


def test_every_truth_is_there_in_its_shape() -> None:
    truth = simulate(EVERYTHING).ground_truth
    n, frames = truth.n_units, 40
    shapes = {name: np.shape(getattr(truth, name)) for name in ARRAYS}
    assert shapes == {
        **dict.fromkeys(("C", "S", "bleaching"), (n, frames)),
        "centers_um": (n, 3),
        **dict.fromkeys(("amplitude_per_cell", "in_focus", "detectable"), (n,)),
        **dict.fromkeys(("observed_sigma_px", "observed_gain", "vessel_overlap_fraction"), (n,)),
        **dict.fromkeys(("A_planted", "A_observed"), (n, *SHAPE)),
        "shifts": (frames, 2),
        **dict.fromkeys(("illumination", "vignette", "leakage", "vasculature_mask"), SHAPE),
        "neuropil_temporal": (3, frames),
        "neuropil_spatial": (3, *SHAPE),
        "neuropil_population": (frames,),
        "focal_depth_um": (),
    }


def test_vessels_take_from_each_cell_what_the_scope_would_see_of_it() -> None:
    still = [step for step in EVERYTHING.steps if step.kind != "brain_motion"]
    truth = simulate(EVERYTHING.model_copy(update={"steps": still})).ground_truth
    seen, mask = truth.A_observed, truth.vasculature_mask
    assert mask is not None
    expected = 1 - (seen * mask).sum((1, 2)) / seen.sum((1, 2))
    assert truth.vessel_overlap_fraction == pytest.approx(expected, abs=1e-9)
    assert expected.max() > 0.1


def test_what_is_detectable_is_told_by_all_that_the_cells_did(tmp_path: Path) -> None:
    brief = EVERYTHING.model_copy(
        update={"acquisition": ACQUISITION.model_copy(update={"duration_s": 0.5})}
    )
    truth = simulate(brief).ground_truth
    renderer = Renderer(brief)
    swing = Swing(truth.C.min(axis=1), truth.C.max(axis=1))
    assert np.array_equal(truth.detectable, renderer.scene.detectable(swing))
    assert not np.array_equal(truth.detectable, renderer.scene.detectable())
    simulate_zarr(brief, tmp_path / "a.zarr")
    stored = Recording.load(tmp_path / "a.zarr").ground_truth
    assert np.array_equal(stored.detectable, truth.detectable)


def test_footprints_lie_in_the_field_of_view_where_the_cells_are() -> None:
    places = [(50.0, -20.0, 30.0), (50.0, 25.0, -40.0)]
    steps = [PlaceNeurons(positions_um=places), CellActivity(), Composite(), EVERYTHING.steps[7]]
    truth = simulate(EVERYTHING.model_copy(update={"steps": steps})).ground_truth
    assert isinstance(steps[-1], BrainMotion) and truth.fov_offset[0] > 0
    for (_, y_um, x_um), footprint in zip(places, truth.A_planted, strict=True):
        rows, columns = np.nonzero(footprint)
        expected = ACQUISITION.um_to_index(y_um, x_um, SHAPE)
        assert (rows.mean(), columns.mean()) == pytest.approx(expected, abs=1.0)


def test_a_short_recording_is_the_beginning_of_a_long_one() -> None:
    half = ACQUISITION.model_copy(update={"duration_s": 1.0})
    short = simulate(EVERYTHING.model_copy(update={"acquisition": half}))
    long = simulate(EVERYTHING)
    assert np.array_equal(short.observed, long.observed[:20])
    assert np.array_equal(short.ground_truth.C, long.ground_truth.C[:, :20])


def test_memory_disk_and_a_streamed_recording_hold_the_same(tmp_path: Path) -> None:
    memory = simulate(EVERYTHING)
    memory.save(tmp_path / "saved.zarr")
    simulate_zarr(EVERYTHING, tmp_path / "streamed.zarr")
    for name in ("saved.zarr", "streamed.zarr"):
        loaded = Recording.load(tmp_path / name)
        assert loaded.spec == EVERYTHING
        assert np.array_equal(loaded.observed, memory.observed)
        assert loaded.observed.dtype == np.float32
        assert same_truth(loaded, memory)


@pytest.mark.parametrize("stage", ["composite", "cells_only", "neuropil", "vasculature"])
def test_light_can_be_stopped_on_its_way(stage: str) -> None:
    part, whole = simulate(EVERYTHING, until=stage), simulate(EVERYTHING)
    assert part.observed.shape == whole.observed.shape
    assert part.ground_truth.shifts is None
    assert part.ground_truth.illumination is None
    assert np.array_equal(part.ground_truth.C, whole.ground_truth.C)
    assert part.ground_truth.focal_depth_um == whole.ground_truth.focal_depth_um
    assert np.array_equal(part.ground_truth.detectable, whole.ground_truth.detectable)


def test_a_recording_remembers_that_light_was_stopped(tmp_path: Path) -> None:
    simulate(EVERYTHING, until="leakage").save(tmp_path / "saved.zarr")
    simulate_zarr(EVERYTHING, tmp_path / "streamed.zarr", until="leakage")
    for name in ("saved.zarr", "streamed.zarr"):
        loaded = Recording.load(tmp_path / name)
        assert loaded.until == "leakage"
        with pytest.raises(ValueError, match="give vmax"):
            loaded.write_video(tmp_path / "a.avi")


def test_before_there_is_a_picture_there_is_already_a_truth() -> None:
    recording = simulate(EVERYTHING, until="cell_activity")
    assert recording.observed.shape == (0, *SHAPE)
    assert recording.ground_truth.C.shape[1] == 40
    assert recording.ground_truth.focal_depth_um is None
    assert simulate(EVERYTHING, until="place_neurons").ground_truth.C.max() == 0


def test_an_unknown_stage_lists_the_stages(tmp_path: Path) -> None:
    for call in (simulate, simulate_video, simulate_zarr):
        arguments = (EVERYTHING,) if call is simulate else (EVERYTHING, tmp_path / "a.avi")
        with pytest.raises(ValueError, match=r"no stage 'lens'; there are place_neurons, .*sensor"):
            call(*arguments, until="lens")  # type: ignore[operator]


def test_a_recording_whose_spec_was_edited_is_read_with_a_warning(tmp_path: Path) -> None:
    simulate(EVERYTHING, until="cell_activity").save(tmp_path / "a.zarr")
    spec = tmp_path / "a.zarr/spec.json"
    spec.write_text(spec.read_text().replace('"seed": 3', '"seed": 4'))
    with pytest.warns(
        RecordingFormatWarning, match=r"a\.zarr: its Spec is not the one it was made"
    ):
        loaded = Recording.load(tmp_path / "a.zarr")
    assert loaded.spec.seed == 4


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (".zattrs", '"format_version": 2', '"format_version": 1', "is in version 1 of the layout"),
        ("spec.json", '"fps": 20', '"fps": -1', "acquisition.fps: Input should be greater than 0"),
        ("spec.json", "{", "", "Invalid JSON"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_one_line(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    simulate(EVERYTHING, until="cell_activity").save(tmp_path / "a.zarr")
    file = tmp_path / "a.zarr" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ValueError, match=said) as refused:
        Recording.load(tmp_path / "a.zarr")
    assert "\n" not in str(refused.value) and "a.zarr" in str(refused.value)


def test_intermediates_are_kept_when_asked_for(tmp_path: Path) -> None:
    spec = EVERYTHING.model_copy(update={"output": Output(save_intermediates=True)})
    recording = simulate(spec)
    assert list(recording.snapshots) == [
        *("cells_only", "neuropil", "vasculature", "brain_motion"),
        *("illumination_profile", "vignette", "leakage", "sensor"),
    ]
    assert np.array_equal(recording.stage("sensor"), recording.observed)
    assert recording.stage("composite") is recording.stage("cells_only")
    assert recording.stage("neuropil").shape[1:] == recording.ground_truth.planted.canvas_shape
    assert recording.stage("vignette").shape == recording.observed.shape
    with pytest.raises(KeyError, match="lens"):
        recording.stage("lens")
    recording.save(tmp_path / "a.zarr")
    loaded = Recording.load(tmp_path / "a.zarr")
    for name, movie in recording.snapshots.items():
        assert np.array_equal(loaded.stage(name), movie)


def test_what_minisim_has_not_is_stored_beside_what_it_has(tmp_path: Path) -> None:
    extras = Extras(behaviour=Behaviour(), rotation=Rotation())
    spec = EVERYTHING.model_copy(update={"extras": extras})
    simulate_zarr(spec, tmp_path / "a.zarr")
    loaded = Recording.load(tmp_path / "a.zarr")
    assert loaded.spec == spec
    assert "extras" not in (tmp_path / "a.zarr/spec.json").read_text()
    orientation = loaded.ground_truth.extras["orientation"]
    assert orientation.shape == (40, 4)
    assert np.linalg.norm(orientation, axis=1) == pytest.approx(1)
    assert loaded.ground_truth.extras["rotation_deg"].shape == (40,)


def test_sixteen_bits_are_sixteen_bits() -> None:
    sensor = ACQUISITION.image_sensor.model_copy(update={"bit_depth": 12, "gain_adu_per_e": 16.0})
    deep = ACQUISITION.model_copy(update={"image_sensor": sensor})
    observed = simulate(EVERYTHING.model_copy(update={"acquisition": deep})).observed
    assert 255 < observed.max() <= 4095


def test_what_does_not_fit_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    endless = ACQUISITION.model_copy(update={"duration_s": 1e9})
    spec = EVERYTHING.model_copy(update={"acquisition": endless})
    for suffix in ("zarr", "avi", "mkv"):
        with pytest.raises(TooLargeError, match=r"would take about .* cells, .* of disk"):
            simulate_to(spec, tmp_path / f"a.{suffix}")
    with pytest.raises(TooLargeError, match="of memory"):
        simulate(spec)
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vmax is for videos"):
        simulate_to(EVERYTHING, tmp_path / "a.zarr", vmax=1)
    with pytest.raises(ValueError, match=r"must end in \.zarr, \.avi or \.mkv"):
        simulate_to(EVERYTHING, tmp_path / "a.tif")


def test_a_person_is_told_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    simulate(EVERYTHING, on_frame=lambda done, of: told.append((done, of)))
    assert told == [(k, 40) for k in range(1, 41)]


@pytest.mark.parametrize("name", ["a.zarr", "a.avi", "a.mkv"])
def test_an_interruption_leaves_a_valid_shorter_recording(tmp_path: Path, name: str) -> None:
    def stop(done: int, of: int) -> None:
        if done == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_to(EVERYTHING, tmp_path / name, on_frame=stop)
    whole = simulate(EVERYTHING)
    if name == "a.zarr":
        part = Recording.load(tmp_path / name)
        frames = part.observed
        assert np.array_equal(part.ground_truth.C, whole.ground_truth.C[:, :25])
    else:
        frames = np.array([frame for _, frame in VideoReader(tmp_path / name).frames()])
    assert np.array_equal(frames, whole.observed[:25])


@pytest.mark.parametrize("name", ["a.zarr", "a.avi"])
def test_an_error_leaves_nothing_half_done(tmp_path: Path, name: str) -> None:
    def fail(done: int, of: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        simulate_to(EVERYTHING, tmp_path / name, on_frame=fail)
    assert list(tmp_path.iterdir()) == []


def test_a_given_path_that_goes_nowhere_needs_no_margin() -> None:
    acquisition = ACQUISITION.model_copy(update={"duration_s": 0.1})
    resting = BrainMotion(trajectory_um=[(0.0, 0.0)] * 2)
    moved = [resting if step.kind == "brain_motion" else step for step in EVERYTHING.steps]
    still = [step for step in EVERYTHING.steps if step.kind != "brain_motion"]
    one, other = (
        simulate(EVERYTHING.model_copy(update={"acquisition": acquisition, "steps": steps}))
        for steps in (moved, still)
    )
    assert one.ground_truth.fov_offset == (0, 0)
    assert np.array_equal(one.observed, other.observed)


def test_a_given_path_that_is_too_short_is_refused_in_a_line() -> None:
    acquisition = Acquisition(
        fps=10.0, duration_s=1.0, image_sensor=ImageSensor(n_px_height=64, n_px_width=64)
    )
    steps = [PlaceNeurons(), CellActivity(), Composite(), BrainMotion(trajectory_um=[(0.0, 0.0)])]
    with pytest.raises(ValueError, match="has 1 shifts for 10 frames; one for each is right"):
        simulate(Spec(acquisition=acquisition, steps=list(steps)))
