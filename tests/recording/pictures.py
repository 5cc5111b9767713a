"""Pictures that can be told apart, and recordings of them."""

import numpy as np

from syntalos_miniscope.recording.recorded import Recording


def picture(number: int, shape: tuple[int, ...] = (32, 48), dtype: type = np.uint8) -> np.ndarray:
    """A frame that no other number has."""
    return np.random.default_rng(number).integers(0, np.iinfo(dtype).max, shape, dtype)


def same_frames(one: Recording, other: Recording) -> None:
    assert len(one) == len(other)
    for a, b in zip(one.frames(), other.frames(), strict=True):
        assert (a.index, a.time_us) == (b.index, b.time_us)
        np.testing.assert_array_equal(a.mat, b.mat)
