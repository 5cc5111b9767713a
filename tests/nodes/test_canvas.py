"""The canvas node: it counts, and never slows what sends."""

import numpy as np

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.node import Policy
from syntalos_miniscope.streams import Control, ControlKind, Frame


def test_frames_and_commands_are_counted() -> None:
    node = Catalog.shipped().node("canvas")
    script = Script(node(node.Settings()), inputs={"frames-in": {}, "control-in": {}})
    script.prepare()
    script.start()
    for index in range(3):
        script.feed("frames-in", Frame(index, index, np.zeros((4, 4), np.uint8)))
    script.feed("control-in", Control(ControlKind.PAUSE))
    script.stop()
    assert script.counters == {"frames": 3, "commands": 1}


def test_a_slow_view_drops_frames_rather_than_wait() -> None:
    frames, _ = Catalog.shipped().node("canvas").inputs
    assert frames.policy is Policy.NEWEST
    assert frames.depth <= 2
