"""Background subtraction as a box: what it shows is tested with the display path itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.display import Display
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Frame, Metadata

RAW: Metadata = {"framerate": 20.0, "size": (8, 6), "has_color": False}


@pytest.fixture(scope="module")
def node() -> Any:
    return Catalog.shipped().node("background_subtraction")


def prepared(node: Any, about: Metadata = RAW, **settings: Any) -> Script:
    script = Script(node(node.Settings(**settings)), inputs={"frames-in": about})
    script.prepare()
    script.start()
    return script


def shown(script: Script) -> list[Frame]:
    return [item for item in script.emitted["frames-out"] if isinstance(item, Frame)]


def test_every_frame_keeps_its_index_and_its_time(node) -> None:
    script = prepared(node)
    for index, time_us in ((3, 100), (4, 200), (9, 700)):  # 5 to 8 were lost before
        script.feed("frames-in", Frame(index, time_us, np.zeros((6, 8), np.uint8)))
    assert [(f.index, f.time_us) for f in shown(script)] == [(3, 100), (4, 200), (9, 700)]


def test_it_shows_f_minus_f0_unless_told_otherwise_and_leaves_the_raw_frame_alone(node) -> None:
    script, display = prepared(node), Display(node.Settings(view="F - F0"))
    for level in (100, 140, 90):
        raw = np.full((6, 8), level, np.uint8)
        script.feed("frames-in", Frame(level, level, raw))
        np.testing.assert_array_equal(shown(script)[-1].mat, display(raw))
        assert (raw == level).all()


def test_rate_and_size_pass_and_colour_is_said_before_the_run(node) -> None:
    assert prepared(node).described["frames-out"] == RAW
    assert prepared(node, lut="viridis").described["frames-out"] == {**RAW, "has_color": True}


def test_a_view_may_be_changed_while_it_runs(node) -> None:
    script = prepared(node, view="raw")
    raw = np.full((6, 8), 100, np.uint8)
    script.feed("frames-in", Frame(0, 0, raw))
    script.apply(script.node.settings.model_copy(update={"view": "F - F0"}))
    script.feed("frames-in", Frame(1, 50, raw))
    assert [int(f.mat.max()) for f in shown(script)] == [100, 0]


@pytest.mark.parametrize(
    ("about", "white"), [({"depth": 2}, 65535), ({"depth": 2, "full_scale": 1023}, 1023)]
)
def test_white_of_sixteen_bits_is_the_full_scale_of_the_stream(node, about, white) -> None:
    script = prepared(node, {**RAW, **about}, view="raw")
    script.feed("frames-in", Frame(0, 0, np.full((6, 8), white, np.uint16)))
    assert shown(script)[0].mat.dtype == np.uint8 and (shown(script)[0].mat == 255).all()
