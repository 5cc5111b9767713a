import pytest
from killable import kill_once


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["edl", "daq"])
@pytest.mark.parametrize("seed", range(10))
def test_a_kill_loses_at_most_one_frame_and_what_was_cut_is_said(tmp_path, seed, layout):
    survival = kill_once(tmp_path, seed, layout)
    assert survival.back >= survival.handed - 1
    assert survival.equal
    assert survival.orientation >= survival.handed - 1
    assert survival.damaged


def test_one_kill_shows_it(tmp_path):
    """The twentieth part of the slow test, so that every run of the tests has it."""
    test_a_kill_loses_at_most_one_frame_and_what_was_cut_is_said(tmp_path, 7, "edl")
