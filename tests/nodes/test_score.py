import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import FloatSignalBlock, Frame, TableRow

Score = Catalog.shipped().node("score")
US = {"time_unit": "microseconds"}
INPUTS = {
    "frames-in": {"framerate": 20.0},
    "shifts-in": US | {"signal_names": ["dy", "dx", "quality"]},
    "traces-in": US | {"signal_names": ["roi 1", "roi 2"]},
    "events-in": {"table_header": ["Time [us]", "Cell", "Rise", "Decided [us]"]},
    "truth-motion-in": US,
    "truth-traces-in": US,
    "truth-events-in": {"table_header": ["Time [us]", "Cell", "Spikes"]},
    "truth-cells-in": {"table_header": ["Cell", "Detectable"]},
}


def block(time_us, *values) -> FloatSignalBlock:
    return FloatSignalBlock(np.array([time_us], np.int64), np.array([values], np.float32))


def play(tmp_path=None, **settings) -> Script:
    """Two of three cells are said, exactly; the shifts are off by 0.5 px, now so, now so."""
    script = Script(Score(Score.Settings(**settings)), inputs=INPUTS, record_to=tmp_path)
    script.prepare()
    script.start()
    for cell, seen in enumerate(("yes", "yes", "yes")):
        script.feed("truth-cells-in", TableRow((str(cell), seen)))
    rng, calcium = np.random.default_rng(0), np.zeros(3)
    noise = rng.normal(0, 0.1, (400, 2))
    for index in range(400):
        time = index * 50_000
        spikes = (rng.random(3) < 0.03) * 5
        calcium = 0.9 * calcium + spikes
        error = 0.5 if index % 2 else -0.5
        script.feed("frames-in", Frame(index + (index > 200), time, np.zeros((4, 4), np.uint8)))
        script.feed("truth-motion-in", block(time, index % 5, index % 7))
        script.feed("shifts-in", block(time, index % 5 + error, index % 7 + error, 1))
        script.feed("truth-traces-in", block(time, *calcium))
        script.feed("traces-in", block(time, *(calcium[[2, 0]] + noise[index])))
        for cell in np.flatnonzero(spikes):
            row = (str(time), str(cell), str(int(spikes[cell])))
            script.feed("truth-events-in", TableRow(row))
            if cell != 1:
                name = {2: "roi 1", 0: "roi 2"}[int(cell)]
                row = (str(time), name, "5.0", str(time + 4000))
                script.feed("events-in", TableRow(row))
    script.stop()
    return script


def figures(script) -> dict[str, float]:
    return {row.cells[1]: float(row.cells[2]) for row in sent(script, "scores-out")}


def test_at_the_end_there_is_a_row_for_every_figure():
    found = figures(play())
    assert found["shift_rmse_px"] == pytest.approx(0.5, abs=0.01)
    assert (found["recall"], found["precision"]) == (pytest.approx(2 / 3, abs=1e-3), 1)
    assert found["trace_r_median"] > 0.99 and found["event_f1"] == 1
    assert found["latency_p99_ms"] == 4


def test_lost_frames_are_counted():
    assert play().counters["frames_lost"] == 1


def test_during_the_run_too_if_asked():
    times = {int(row.cells[0]) for row in sent(play(every_s=5.0), "scores-out")}
    assert {5_000_000, 10_000_000, 15_000_000} < times


def test_what_was_said_and_a_page_are_kept_with_the_run(tmp_path):
    play(tmp_path)
    assert len(list(tmp_path.rglob("said.npz"))) == 1
    (page,) = tmp_path.rglob("score.html")
    assert "shift_rmse_px" in page.read_text()


def test_with_nothing_wired_there_is_nothing_to_say():
    script = Script(Score(Score.Settings()), wired=set())
    script.prepare()
    script.start()
    script.stop()
    assert sent(script, "scores-out") == []


def test_a_chain_without_truth_is_not_judged():
    inputs = {name: about for name, about in INPUTS.items() if "truth" not in name}
    script = Script(Score(Score.Settings()), inputs=inputs)
    script.prepare()
    script.start()
    for index in range(50):
        script.feed("shifts-in", block(index, 0, 0, 1))
        script.feed("traces-in", block(index, index, -index))
    script.feed("events-in", TableRow(("5", "roi 1", "1", "2005")))
    script.stop()
    assert set(figures(script)) == {"latency_p99_ms"}


def test_rows_that_cannot_be_read_are_counted():
    script = Script(Score(Score.Settings()), inputs=INPUTS)
    script.prepare()
    script.start()
    script.feed("events-in", TableRow(("0", "nobody", "1", "5")))
    script.feed("events-in", TableRow(("x", "roi 1", "1", "5")))
    script.feed("truth-events-in", TableRow(("0", "a", "1")))
    assert script.counters["unreadable_rows"] == 3
