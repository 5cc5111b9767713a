"""The stream plot node: it counts, and never slows what sends."""

import numpy as np

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.node import Policy
from syntalos_miniscope.streams import FloatSignalBlock


def test_samples_are_counted() -> None:
    node = Catalog.shipped().node("stream_plot")
    script = Script(node(node.Settings()), inputs={"signal-in": {}})
    script.prepare()
    script.start()
    for samples in (1, 5):
        times = np.arange(samples, dtype=np.int64)
        script.feed("signal-in", FloatSignalBlock(times, np.zeros((samples, 2), np.float32)))
    script.stop()
    assert script.counters == {"samples": 6}


def test_a_slow_plot_drops_samples_rather_than_wait() -> None:
    (signal,) = Catalog.shipped().node("stream_plot").inputs
    assert signal.policy is Policy.NEWEST
