"""What minisim has not: each part acts, is recorded, and is off unless asked for."""

# A None where a picture or a stage was promised fails a test all the same.
# pyright: reportOptionalMemberAccess=false, reportOptionalSubscript=false
# pyright: reportOptionalOperand=false, reportArgumentType=false
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import gaussian_filter, rotate
from small_scene import FULL, NOMINAL, SMALL, knobs, play, spec

from syntalos_miniscope.simulation import BrainMotion, Extras, Output, Sensor, Spec
from syntalos_miniscope.simulation.batch import Recording, simulate
from syntalos_miniscope.simulation.canvas import make_canvas
from syntalos_miniscope.simulation.deformation import deform
from syntalos_miniscope.simulation.extras import (
    Behaviour,
    Faults,
    PixelDefects,
    Rotation,
    Warp,
    ZDrift,
)
from syntalos_miniscope.simulation.faults import Fate, FaultyLink
from syntalos_miniscope.simulation.motion import move
from syntalos_miniscope.simulation.noise import stream
from syntalos_miniscope.simulation.renderer import Renderer
from syntalos_miniscope.simulation.spec import first_fault

STILL = [step for step in FULL[:-1] if step.kind != "brain_motion"]


def with_extras(*steps, **extras) -> Spec:
    return spec(*steps).model_copy(update={"extras": Extras(**extras)})


def test_extras_that_are_off_change_nothing():
    plain = Renderer(spec()).advance().image
    assert (Renderer(with_extras()).advance().image == plain).all()


@pytest.mark.parametrize(
    ("extras", "truth"),
    [
        ({"rotation": Rotation(tau_s=0.5)}, {"rotation_deg"}),
        ({"warp": Warp(tau_s=0.5)}, {"warp_modes"}),
        ({"z_drift": ZDrift(sd_um=20.0, tau_s=0.5)}, {"rise_um"}),
        ({"behaviour": Behaviour(drives_motion=True)}, {"speed_cm_s", "place_cm"}),
        ({"behaviour": Behaviour(place_cell_share=0.5)}, {"speed_cm_s", "place_cm"}),
        ({"saturation_dff": 5.0}, set()),
        ({"motion_blur": True}, set()),
        ({"pixel_defects": PixelDefects(black_level_adu=9)}, set()),
    ],
    ids=lambda value: next(iter(value), "nothing"),
)
def test_each_extra_acts_and_is_recorded(extras, truth):
    plain, changed = Renderer(spec()), Renderer(with_extras(**extras))
    first, second = play(plain, 200), play(changed, 200)
    assert any((one.image != two.image).any() for one, two in zip(first, second, strict=True))
    for name in truth:
        values = np.array([frame.extras[name] for frame in second])
        assert np.isfinite(values).all() and values.std() > 0
    assert set(second[-1].extras) == truth


def test_extras_are_repeatable_and_can_be_sought():
    everything = {
        "rotation": Rotation(),
        "warp": Warp(),
        "z_drift": ZDrift(sd_um=10.0, tau_s=1.0),
        "behaviour": Behaviour(drives_motion=True, place_cell_share=0.3),
        "motion_blur": True,
        "saturation_dff": 30.0,
        "pixel_defects": PixelDefects(prnu=0.01, dsnu_e=1, row_noise_e=1, hot_share=0.001),
    }
    played = play(Renderer(with_extras(**everything)), 12)
    sought = Renderer(with_extras(**everything))
    sought.seek(11)
    frame = sought.advance()
    assert (frame.image == played[11].image).all()
    assert frame.quaternion == played[11].quaternion


@pytest.mark.parametrize("angle_deg", [-3.0, 0.0, 2.0])
def test_the_picture_turns_by_its_angle_after_it_has_shifted(angle_deg: float):
    canvas = gaussian_filter(np.random.default_rng(0).random((120, 130)), 2).astype(np.float32)
    turned, bend = np.zeros((100, 110), np.float32), np.zeros((2, 100, 110), np.float32)
    deform(canvas, 10, np.zeros((1, 2)), angle_deg, bend, turned)
    expected = rotate(canvas.astype(float), angle_deg, reshape=False, order=1)[10:-10, 10:-10]
    assert turned == pytest.approx(expected, abs=1e-5)
    plain, moved = np.zeros_like(turned), np.zeros_like(turned)
    path_px = np.array([[1.25, -2.5]])
    move(canvas, 10, path_px, plain)
    deform(canvas, 10, path_px, 0.0, bend, moved)
    assert moved == pytest.approx(plain, abs=1e-5)
    bend[0], bend[1] = path_px[0]
    deform(canvas, 10, np.zeros((1, 2)), 0.0, bend, moved)
    assert moved == pytest.approx(plain, abs=1e-5)


@pytest.mark.parametrize("reach", [{"rotation": Rotation(sd_deg=2.0)}, {"warp": Warp(sd_um=4.0)}])
def test_tissue_turns_and_bends_as_far_as_it_may_without_a_dark_edge(reach):
    canvas = make_canvas(with_extras(*STILL, **reach))
    seen, bend = np.zeros(SMALL.shape, np.float32), np.zeros((2, *SMALL.shape), np.float32)
    turn_deg = 6.0 if "rotation" in reach else 0.0
    bend[:] = 0.0 if turn_deg else 12.0 / SMALL.pixel_size_um
    deform(
        np.ones(canvas.shape, np.float32), canvas.margin_px, np.zeros((1, 2)), turn_deg, bend, seen
    )
    assert seen == pytest.approx(1)


def test_hot_pixels_gather_dark_signal_for_as_long_as_they_are_exposed():
    defects = PixelDefects(hot_share=0.05, hot_e_s=1000.0)
    renderer = Renderer(with_extras(pixel_defects=defects))
    hot = renderer.maps()["hot_pixels"] > 0
    for rate_hz in (10.0, 20.0):
        dark = renderer.advance(knobs(led_percent=0.0, frame_rate_hz=rate_hz)).image
        assert dark[hot].mean() == pytest.approx(1000 / rate_hz - 0.5, rel=0.05)


def test_places_are_bent_by_the_sd_that_is_asked_for():
    warp = Warp(sd_um=2.0, scale_um=30.0, tau_s=0.1)
    renderer = Renderer(with_extras(*STILL, warp=warp), until="optics")
    shifts = []
    for _ in range(600):
        renderer.skip()
        shifts.append(renderer.life.deformation.warp_px() * SMALL.pixel_size_um)
    assert np.std(shifts) == pytest.approx(2.0, rel=0.1)


def test_z_drift_moves_the_focus_as_recorded():
    renderer = Renderer(with_extras(z_drift=ZDrift(sd_um=30.0, tau_s=0.2)))
    rises = []
    for frame in play(renderer, 10):
        rises.append(frame.extras["rise_um"])
    assert renderer.scene.view.focal_um == pytest.approx(renderer.scene.focal_depth_um + rises[-1])
    assert np.std(rises) > 5


def test_motion_blur_is_the_mean_over_the_path():
    steps = (FULL[0], FULL[1], FULL[4], FULL[7])
    sharp = Renderer(spec(*steps), until="composite")
    blurred = Renderer(with_extras(*steps, motion_blur=True))
    frame = play(blurred, 6)[-1]
    canvas = sharp.scene.canvas
    sharp.seek(5)
    moment = sharp.life.expose(20.0, 1.0)
    sharp.seek(5)
    path_px = moment.path_um / canvas.pixel_um
    assert len(path_px) == 15 and np.ptp(path_px, 0).max() > 0.3
    tissue = Renderer(spec(*steps).model_copy(update={"output": Output(save_intermediates=True)}))
    tissue.seek(5)
    still = tissue.advance().stages["cells_only"]
    pictures = np.zeros((15, *SMALL.shape), np.float32)
    for step, picture in zip(path_px, pictures, strict=True):
        move(still, canvas.margin_px, step[None], picture)
    assert frame.image == pytest.approx(pictures.mean(0), abs=1e-4)


def test_an_animal_rests_and_runs_at_the_speed_it_is_given():
    renderer = Renderer(with_extras(behaviour=Behaviour()), until="optics")
    speeds, places = [], []
    for _ in range(4000):
        frame = renderer.advance()
        speeds.append(frame.extras["speed_cm_s"])
        places.append(frame.extras["place_cm"])
    speeds = np.array(speeds)
    assert speeds[speeds > 6].mean() == pytest.approx(12, rel=0.1)
    assert 0.3 < (speeds > 2).mean() < 0.75
    assert 0 <= min(places) and max(places) < 120


def test_the_head_has_unit_quaternions_that_change_smoothly():
    frames = play(Renderer(with_extras(behaviour=Behaviour()), until="optics"), 200)
    heads = np.array([frame.quaternion for frame in frames])
    assert np.linalg.norm(heads, axis=1) == pytest.approx(1)
    turns = 2 * np.arccos(np.clip(np.abs((heads[1:] * heads[:-1]).sum(1)), 0, 1))
    assert 0.001 < turns.mean() < 0.3
    assert Renderer(spec(), until="optics").advance().quaternion is None


def test_the_brain_moves_more_when_the_animal_runs():
    motion = BrainMotion(motion_amplitude_um=5.0, max_shift_um=30.0)
    extras = {"behaviour": Behaviour(drives_motion=True)}
    renderer = Renderer(with_extras(FULL[0], FULL[1], motion, **extras), until="cell_activity")
    shifts, speeds = [], []
    for _ in range(3000):
        frame = renderer.advance()
        shifts.append(np.hypot(*frame.shift_px))
        speeds.append(frame.extras["speed_cm_s"])
    shifts, speeds = np.array(shifts), np.array(speeds)
    assert shifts[speeds > 8].mean() > 2 * shifts[speeds < 1].mean()


def test_place_cells_fire_at_their_place():
    extras = {"behaviour": Behaviour(place_cell_share=0.5, rest_s=1.0, run_s=20.0)}
    renderer = Renderer(with_extras(*FULL[:2], **extras), until="cell_activity")
    centers = renderer.life.place_centers_cm[renderer.scene.units]
    spikes, places = [], []
    for _ in range(4000):
        frame = renderer.advance()
        spikes.append(frame.spikes)
        places.append(frame.extras["place_cm"])
    spikes, places = np.array(spikes), np.array(places)
    away = np.abs((places[:, None] - centers + 60) % 120 - 60)
    tuned = ~np.isnan(centers)
    assert 0.35 < tuned.mean() < 0.65
    inside, outside = away[:, tuned] < 10, away[:, tuned] > 30
    assert spikes[:, tuned][inside].mean() > 3 * spikes[:, tuned][outside].mean()


def test_scopes_of_one_seed_are_on_one_animal():
    heads = [
        play(Renderer(with_extras(behaviour=Behaviour()), scope=scope, until="optics"), 50)[
            -1
        ].quaternion
        for scope in (0, 1)
    ]
    assert heads[0] == heads[1]


def test_ten_and_twelve_bits_make_deep_frames():
    for bits in (10, 12):
        sensor = SMALL.image_sensor.model_copy(update={"bit_depth": bits})
        bright = (*FULL[:-1], Sensor(photons_per_unit=3000))
        image = Renderer(spec(*bright, image_sensor=sensor)).advance(NOMINAL).image
        assert image.dtype == np.uint16 and 255 < image.max() < 2**bits


def test_what_no_frame_changes_is_stored_with_the_truth(tmp_path):
    extras = {
        "behaviour": Behaviour(place_cell_share=0.5),
        "warp": Warp(),
        "pixel_defects": PixelDefects(prnu=0.02, dsnu_e=1.0, hot_share=0.01),
    }
    recording = simulate(with_extras(**extras, rotation=Rotation()))
    recording.save(tmp_path / "a.zarr")
    truth = Recording.load(tmp_path / "a.zarr").ground_truth
    assert truth.maps["place_centers_cm"].shape == (truth.n_units,)
    assert truth.maps["warp_fields_um"].shape == (4, 2, *SMALL.shape)
    for name in ("pixel_sensitivity", "pixel_offset_e", "hot_pixels"):
        assert truth.maps[name].shape == SMALL.shape
        assert (truth.maps[name] == recording.ground_truth.maps[name]).all()
    frames = len(recording.observed)
    assert {name: values.shape for name, values in truth.extras.items()} == {
        "speed_cm_s": (frames,),
        "place_cm": (frames,),
        "rotation_deg": (frames,),
        "warp_modes": (frames, 4),
        "orientation": (frames, 4),
    }


@pytest.mark.parametrize(
    ("extras", "said"),
    [
        ({"saturation_dff": 0}, "extras.saturation_dff: Input should be greater than 0; it is 0"),
        ({"pixel_defects": {"full_well_e": -5}}, "full_well_e: Input should be greater than 0"),
        ({"faults": {"disconnect_at_s": -1}}, "disconnect_at_s: Input should be greater than or"),
        ({"faults": {"drop_share": 1}}, "drop_share: Input should be less than 1; it is 1"),
        ({"rotation": {"sd_deg": 9}}, "sd_deg: Input should be less than or equal to 5; it is 9"),
        ({"faults": {"drops": 1}}, "extras.faults.drops: there is no such field"),
    ],
)
def test_extras_that_cannot_be_are_refused_in_one_line(extras, said):
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate({"steps": [], "extras": extras})
    assert said in first_fault(caught.value)
    assert "\n" not in first_fault(caught.value)


def test_a_faulty_link_loses_and_repeats_the_share_that_it_is_told():
    link = FaultyLink(Faults(drop_share=0.1, repeat_share=0.05, jitter_us=300.0), stream(0))
    fates = [link.fate(index) for index in range(20_000)]
    assert fates.count(Fate.LOST) / 20_000 == pytest.approx(0.1, abs=0.01)
    assert fates.count(Fate.REPEATED) / 20_000 == pytest.approx(0.05, abs=0.006)
    jitter = [link.jitter_us(index, 50_000.0) for index in range(5000)]
    assert np.std(jitter) == pytest.approx(300, rel=0.05)
    wild = FaultyLink(Faults(jitter_us=1e6), stream(0))
    assert max(abs(wild.jitter_us(index, 50_000.0)) for index in range(100)) < 25_000
