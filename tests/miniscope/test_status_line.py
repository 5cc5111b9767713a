"""The line on a scope's box."""

import numpy as np

from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.miniscope.status_line import StatusLine
from syntalos_miniscope.node import Node, Settings
from syntalos_miniscope.streams import Frame


def test_the_rate_is_that_of_the_last_second_and_is_told_twice_a_second():
    ctx, line = Script(Node(Settings())), StatusLine()
    times_us = [*range(0, 5_000_000, 50_000), *range(5_000_000, 7_100_000, 100_000)]
    for index, time_us in enumerate(times_us):
        frame = Frame(index, time_us, np.full((64, 64), 100, np.uint8))
        line.show(ctx, frame, frame.mat, dropped=3)
    assert len(ctx.statuses) == 15
    assert ctx.statuses[5].startswith("FPS: 20 Dropped: 3 · fluorescence 100-100 · saturated 0.0 %")
    assert ctx.statuses[-1].startswith("FPS: 10 ")
