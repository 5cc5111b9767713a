import json
from typing import Any

import numpy as np
import pytest
from sent import sent

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.script import Script
from syntalos_miniscope.streams import Frame

RoiTraces = Catalog.shipped().node("roi_traces")
ABOUT = {"framerate": 20.0, "size": (80, 64)}


def drawn(tmp_path):
    path = tmp_path / "mine.json"
    corners = [[10, 20], [18, 20], [18, 26], [10, 26]]
    roi = {"name": "left", "kind": "rectangle", "corners": corners}
    path.write_text(json.dumps({"format": 1, "size": [80, 64], "rois": [roi]}))
    return path


def started(record_to=None, about=ABOUT, **settings) -> Script:
    node = RoiTraces(RoiTraces.Settings(**settings))
    script = Script(node, inputs={"frames-in": about}, record_to=record_to)
    script.prepare()
    script.start()
    return script


def test_a_drawn_region_becomes_a_channel_with_its_name(tmp_path):
    script = started(rois=str(drawn(tmp_path)), method="mean")
    frame = np.zeros((64, 80), np.uint8)
    frame[20:26, 10:18] = 77
    script.feed("frames-in", Frame(0, 123, frame))
    (block,) = sent(script, "traces-out")
    assert block.timestamps.tolist() == [123] and block.data == pytest.approx(77)
    assert script.described["traces-out"] == {
        "time_unit": "microseconds", "data_unit": "counts", "signal_names": ["left"],
        "framerate": 20.0,
    }  # fmt: skip


def test_the_regions_are_kept_with_the_run(tmp_path):
    script = started(rois=str(drawn(tmp_path)), record_to=tmp_path / "run")
    script.stop()
    (kept,) = (tmp_path / "run").rglob("rois.json")
    assert [roi["name"] for roi in json.loads(kept.read_text())["rois"]] == ["left"]


@pytest.mark.parametrize("method", ["mean", "annulus", "demix"])
def test_every_method_reads_sixteen_bits(tmp_path, method):
    script = started(rois=str(drawn(tmp_path)), method=method)
    script.feed("frames-in", Frame(0, 0, np.full((64, 80), 900, np.uint16)))
    assert np.isfinite(sent(script, "traces-out")[0].data).all()


def test_cells_are_found_when_no_file_is_given(tmp_path):
    rng = np.random.default_rng(0)
    rows, columns = np.indices((64, 80))
    shapes = [np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 14) for y, x in ((20, 20), (44, 60))]
    script = started(record_to=tmp_path, find_after_s=10, most_cells=5)
    assert script.described["traces-out"]["signal_names"] == [f"roi {k}" for k in range(1, 6)]
    calcium = np.zeros(2)
    for index in range(300):
        calcium = 0.9 * calcium + 60 * (rng.random(2) < 0.03)
        light = 80 + np.tensordot(calcium, shapes, 1) + rng.normal(0, 2, (64, 80))
        if index == 202:
            node: Any = script.node
            node._watch.close()
        script.feed("frames-in", Frame(index, index * 50_000, light.clip(0, 255).astype(np.uint8)))
    script.stop()
    blocks = sent(script, "traces-out")
    assert len(blocks) == 300 - 202
    values = np.concatenate([block.data for block in blocks])
    assert np.isfinite(values[:, :2]).all() and np.isnan(values[:, 2:]).all()
    assert script.counters["cells"] == 2
    assert "2 cells were found" in script.notes[0]
    (kept,) = tmp_path.rglob("rois.json")
    assert len(json.loads(kept.read_text())["rois"]) == 2


def test_a_run_too_short_to_find_cells_says_so():
    script = started(find_after_s=10)
    script.feed("frames-in", Frame(0, 0, np.zeros((64, 80), np.uint8)))
    script.stop()
    assert "before cells were found" in script.notes[0]
    assert "to go" in script.statuses[0]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"framerate": 20.0, "size": (640, 480)}, "80 x 64 pixels, these have 640 x 480"),
        ({"framerate": 20.0}, "does not say its size"),
    ],
)
def test_regions_that_do_not_fit_refuse_the_run(tmp_path, about, words):
    with pytest.raises(ValueError, match=words):
        started(about=about, rois=str(drawn(tmp_path)))
