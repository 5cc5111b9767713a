import cv2
import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Frame

Stabilise = Catalog.shipped().node("stabilise")


def pattern(dy=0, dx=0, shape=(160, 200)) -> np.ndarray:
    """Blobs, moved down and right."""
    noise = np.random.default_rng(0).normal(size=(260, 300))
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    picture = 120 + 30 * smooth / smooth.std()
    top, left = 50 - dy, 50 - dx
    seen = picture[top : top + shape[0], left : left + shape[1]]
    return np.ascontiguousarray(seen.clip(0, 255).astype(np.uint8))


def started(**metadata) -> Script:
    script = Script(Stabilise(Stabilise.Settings()), inputs={"frames-in": metadata})
    script.prepare()
    script.start()
    return script


def test_frames_come_out_at_rest_with_their_index_and_time():
    script = started(framerate=20.0, size=(200, 160))
    picture = pattern()
    script.feed("frames-in", Frame(4, 1000, picture))
    script.feed("frames-in", Frame(7, 2000, pattern(3, -2)))
    script.stop()
    first, second = sent(script, "frames-out")
    assert (second.index, second.time_us) == (7, 2000)
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(second.mat[inner].astype(int) - first.mat[inner]).max() <= 3
    (_, block) = sent(script, "shifts-out")
    assert block.timestamps.tolist() == [2000]
    assert block.data[0, :2] == pytest.approx((3, -2), abs=0.05)
    assert 0.9 < block.data[0, 2] <= 1


def test_the_streams_say_what_they_are():
    script = started(framerate=20.0, size=(200, 160), has_color=False)
    assert script.described["frames-out"] == {
        "framerate": 20.0, "size": (200, 160), "has_color": False,
    }  # fmt: skip
    assert script.described["shifts-out"] == {
        "time_unit": "microseconds", "data_unit": "px", "signal_names": ["dy", "dx", "quality"],
    }  # fmt: skip


def test_a_frame_that_is_locked_is_not_written_to():
    script = started()
    picture = pattern()
    before = picture.copy()
    script.feed("frames-in", Frame(0, 0, picture))
    assert (picture == before).all()
    assert sent(script, "frames-out")[0].mat is not picture


def test_sixteen_bits_stay_sixteen():
    script = started(depth=2, full_scale=1023)
    script.feed("frames-in", Frame(0, 0, pattern().astype(np.uint16) * 4))
    assert sent(script, "frames-out")[0].mat.dtype == np.uint16
    assert script.described["frames-out"] == {"depth": 2, "full_scale": 1023}


def test_colour_is_refused_before_the_run():
    with pytest.raises(ValueError, match="only grey"):
        started(has_color=True)
