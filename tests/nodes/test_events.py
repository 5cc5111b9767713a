from typing import Any

import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import FloatSignalBlock

Events: Any = Catalog.shipped().node("events")
ABOUT = {
    "framerate": 20.0, "signal_names": ["a", "b"], "time_unit": "milliseconds",
    "data_unit": "counts",
}  # fmt: skip


def started(about=ABOUT, **settings) -> Script:
    script = Script(Events(Events.Settings(learn_s=5, **settings)), inputs={"traces-in": about})
    script.prepare()
    script.start()
    return script


def samples(*events, count=300) -> np.ndarray:
    """Noise of two channels, and a transient for each (channel, sample)."""
    values = np.random.default_rng(0).normal(size=(count, 2))
    for channel, at in events:
        values[at:, channel] += 15 * np.exp(-np.arange(count - at) / 10)
    return values.astype(np.float32)


def feed(script, values, step=1):
    for at in range(0, len(values), step):
        times = np.arange(at, at + step, dtype=np.int64) * 50
        script.feed("traces-in", FloatSignalBlock(times, values[at : at + step]))


@pytest.mark.parametrize("step", [1, 10])
def test_an_event_is_a_row_with_its_time_in_microseconds_and_its_cell(step):
    script = started()
    feed(script, samples((1, 200), (0, 250)), step)
    script.stop()
    rows = [row.cells for row in sent(script, "events-out")]
    assert [(row[0], row[1]) for row in rows] == [("10000000", "b"), ("12500000", "a")]
    assert float(rows[0][2]) == pytest.approx(15, abs=4)
    assert int(rows[0][3]) >= 0
    assert script.counters["events"] == 2


def test_every_sample_has_an_activity():
    script = started(confirm_frames=0)
    feed(script, samples((1, 200)))
    activity = np.concatenate([block.data for block in sent(script, "activity-out")])
    times = np.concatenate([block.timestamps for block in sent(script, "activity-out")])
    assert activity.shape == (300, 2) and times[200] == 10_000_000
    assert np.unravel_index(np.argmax(activity), activity.shape) == (200, 1)


def test_the_streams_say_what_they_are():
    script = started()
    header = ["Time [us]", "Cell", "Rise", "Decided [us]"]
    assert script.described["events-out"]["table_header"] == header
    assert script.described["activity-out"]["signal_names"] == ["a", "b"]
    assert script.described["activity-out"]["time_unit"] == "microseconds"


def test_an_event_at_the_very_end_is_told():
    script = started(confirm_frames=10)
    feed(script, samples((0, 297)))
    assert not sent(script, "events-out")
    script.stop()
    assert [row.cells[0] for row in sent(script, "events-out")] == [str(297 * 50_000)]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"signal_names": ["a"]}, "give rate_hz"),
        ({"framerate": 20.0}, "do not name their channels"),
    ],
)
def test_traces_that_say_too_little_refuse_the_run(about, words):
    with pytest.raises(ValueError, match=words):
        started(about)
