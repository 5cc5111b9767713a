"""The time axis of a plot."""

import numpy as np
import pytest

from syntalos_miniscope.streams import FloatSignalBlock
from syntalos_miniscope_ui.viewers.signals import SignalView


@pytest.mark.parametrize(("time_s", "shown"), [(2.0, (0, 10)), (35.0, (25, 35))])
def test_a_plot_shows_no_time_before_the_run(qtbot, time_s, shown) -> None:
    view = SignalView()
    qtbot.addWidget(view)
    view.begin({"time_unit": "microseconds"})
    times = np.array([0, round(time_s * 1e6)], np.int64)
    view.show_items([FloatSignalBlock(times, np.ones((2, 1), np.float32))], 1, 0)
    view.redraw()
    assert view.plot.getViewBox().viewRange()[0] == pytest.approx(shown)
