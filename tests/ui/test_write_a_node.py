"""The how-to for developers, followed as it is written."""

import re
from pathlib import Path

import pytest

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.engine.local import LocalEngine
from syntalos_miniscope.engine.run import RunOptions
from syntalos_miniscope.project import Graph, check, load
from syntalos_miniscope.streams import FloatSignalBlock
from syntalos_miniscope_ui.window import EditorWindow

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-node.md"


@pytest.fixture
def written(tmp_path) -> tuple[Catalog, Graph]:
    """The folder and the project of the page."""
    texts = re.findall(r"^```[a-z]+\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    (module,) = (text for text in texts if text.startswith("[syntalos_module]"))
    (code,) = (text for text in texts if "class Brightness(Node)" in text)
    (project,) = (text for text in texts if text.startswith("[project]"))
    folder = tmp_path / "my-nodes" / "brightness"
    folder.mkdir(parents=True)
    (folder / "module.toml").write_text(module, "utf-8")
    (folder / "node.py").write_text(code, "utf-8")
    (tmp_path / "brightness.toml").write_text(project, "utf-8")
    catalog = Catalog.shipped(tmp_path / "my-nodes")
    return catalog, check(load(tmp_path / "brightness.toml"), catalog)


def test_the_node_of_the_page_is_a_box_with_knobs(qtbot, settings, answers, written) -> None:
    catalog, graph = written
    window = EditorWindow(catalog, settings, ask=answers)
    assert "Brightness" in window.palette_list.shown()
    window.files.begin(graph.project)
    window.scene.select(["brightness"])
    form = window.inspector.form
    assert form is not None
    form.lock(True)
    assert form.knob("gain").isEnabled()
    assert not form.knob("border_px").isEnabled()
    window.deleteLater()


def test_the_project_of_the_page_runs(written, tmp_path) -> None:
    _, graph = written
    engine = LocalEngine(graph, RunOptions(tmp_path, record=False, seconds=60))
    engine.prepare()
    tap = engine.tap("plot", "signal-in")
    engine.start()
    try:
        while not tap.seen:
            assert not engine.wait(0.05), engine.report()["error"]
    finally:
        engine.stop()
        engine.wait(60)
    block = tap.take()[-1]
    assert isinstance(block, FloatSignalBlock)
    assert block.data[0, 0] > 0
