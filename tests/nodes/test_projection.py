from typing import Any

import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.node import Policy
from syntalos_miniscope.streams import Frame

Projection: Any = Catalog.shipped().node("projection")


def run(kind, frames=45) -> Script:
    script = Script(
        Projection(Projection.Settings(kind=kind, every_s=1.0)),
        inputs={"frames-in": {"framerate": 20.0, "size": (60, 48)}},
    )
    script.prepare()
    script.start()
    rng = np.random.default_rng(0)
    for index in range(frames):
        picture = rng.integers(90, 110, (48, 60)).astype(np.uint8)
        picture[20:26, 30:36] += 60 * (index % 9 == 0)
        script.feed("frames-in", Frame(index, index * 50_000, picture))
    script.stop()
    return script


@pytest.mark.parametrize("kind", ["max", "mean", "std", "correlation", "peak to noise"])
def test_every_so_often_there_is_a_picture_and_the_cell_is_in_it(kind):
    frames = sent(run(kind), "frames-out")
    assert [frame.index for frame in frames] == [20, 40]
    picture = frames[-1].mat
    assert picture.dtype == np.uint8 and picture.shape == (48, 60)
    assert picture[21:25, 31:35].mean() > picture[:, :20].mean() + 60


def test_the_stream_says_what_it_is():
    described = run("mean").described["frames-out"]
    assert described == {"framerate": 1.0, "size": (60, 48), "has_color": False}


def test_it_remembers_for_as_many_seconds_as_it_is_told():
    settings = Projection.Settings(kind="mean", memory_s=2.0, every_s=1.0)
    script = Script(Projection(settings), inputs={"frames-in": {"framerate": 20.0}})
    script.prepare()
    script.start()
    # One half is dark at last and the other bright; above them it always was.
    picture = np.full((48, 60), 10, np.uint8)
    picture[:10, 30:] = picture[10:, :30] = 200
    for index in range(241):
        if index == 180:
            picture = picture.copy()
            picture[10:] = picture[10:, ::-1].copy()
        script.feed("frames-in", Frame(index, index * 50_000, picture))
    script.stop()
    last = sent(script, "frames-out")[-1].mat.astype(float)
    always_dark, always_bright = last[:10, :30].mean(), last[:10, 30:].mean()
    left = (last[10:, :30].mean() - always_dark) / (always_bright - always_dark)
    assert left == pytest.approx(np.exp(-61 / 40), abs=0.03)


def test_a_view_that_is_slow_holds_up_nobody():
    assert [port.policy for port in Projection.inputs] == [Policy.NEWEST]
