"""A sweep of the focus over a driven scope, and the figures that judge a picture."""

import cv2
import numpy as np
import pytest

from syntalos_miniscope.clock import RunClock
from syntalos_miniscope.scope import ScopeSettings
from syntalos_miniscope.zstack import ZStack, saturated_share, save_zstack, sharpness, zstack


def test_a_sweep_finds_the_focus_and_ends_dark(rig):
    made = rig()
    cells = np.random.default_rng(0).random((76, 76)) < 0.1
    made.daq.tissue._ramp = np.kron(cells * 100 + 20, np.ones((8, 8))).astype(np.uint8)
    seen = []
    stack = zstack(
        made.scope,
        ScopeSettings(frame_rate_hz=30),
        range(-120, 121, 40),
        clock=RunClock(made.daq.clock.now_ns),
        on_plane=seen.append,
    )
    assert seen == list(range(-120, 121, 40))
    assert stack.best_ewl == 0
    assert stack.planes.shape == (7, 608, 608)
    assert stack.maximum.shape == stack.mean.shape == (608, 608)
    assert stack.focus_um[0] == pytest.approx(-189, abs=0.1)
    assert made.daq.scope.led_registers == (255, 255)


def test_a_scope_without_frames_says_so_and_is_closed(rig):
    made = rig()
    made.daq.inject("unplug", 10_000)
    with pytest.raises(TimeoutError, match="gives no frames"):
        zstack(
            made.scope, ScopeSettings(frame_rate_hz=30), [0], clock=RunClock(made.daq.clock.now_ns)
        )
    assert made.scope.state == "closed"


def stack_of(*counts: float) -> ZStack:
    planes = np.stack([np.full((8, 8), count, np.float32) for count in counts])
    return ZStack(np.arange(len(counts)) * 8, planes, np.zeros(len(counts)))


@pytest.mark.parametrize(("counts", "kind"), [((10.4, 254.6), "uint8"), ((10, 1000), "uint16")])
def test_projections_hold_the_counts_of_deep_sensors_too(tmp_path, counts, kind):
    save_zstack(stack_of(*counts), tmp_path)
    maximum = cv2.imread(str(tmp_path / "maximum.png"), cv2.IMREAD_UNCHANGED)
    assert maximum is not None
    assert (str(maximum.dtype), maximum.max()) == (kind, round(counts[1]))
    table = (tmp_path / "planes.csv").read_text().splitlines()
    assert table[0] == "Focus (steps),Focus (um),Sharpness"
    assert table[2].startswith("8,12.60,")


@pytest.mark.parametrize("name", ["planes.tif", "maximum.png", "mean.png"])
def test_a_picture_that_the_disk_refuses_is_named(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=f"cannot write .*{name}"):
        save_zstack(stack_of(1, 2), tmp_path)


def test_figures_of_a_picture():
    rng = np.random.default_rng(0)
    flat = rng.normal(100, 5, (608, 608)).clip(0, 255).astype(np.uint8)
    cells = flat.copy()
    cells[::24, ::24] = 255
    cells[::24, 1::24] = 255
    assert sharpness(cells) > 1.3 * sharpness(flat)
    assert sharpness((cells // 2).astype(np.uint8)) == pytest.approx(sharpness(cells), rel=0.1)
    assert sharpness(np.zeros((608, 608), np.uint8)) == 0
    assert saturated_share(cells) == pytest.approx((cells == 255).mean())
