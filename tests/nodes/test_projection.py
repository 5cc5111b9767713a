from typing import Any

import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
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
