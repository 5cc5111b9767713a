"""Which way imports go, where the import linter does not look."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE_FILES = sorted((ROOT / "nodes").glob("*/*.py"))


def imported(file: Path) -> set[str]:
    names: set[str] = set()
    for statement in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"{file}: a node has no neighbours to import"
            names.add(str(statement.module))
    return names


@pytest.mark.parametrize("file", NODE_FILES, ids=lambda file: file.parent.name)
def test_a_node_knows_the_library_and_no_window_no_mock_no_other_node(file: Path) -> None:
    neighbours = {path.stem for path in file.parent.glob("*.py")}
    forbidden = ("PySide6", "pyqtgraph", "syntalos_miniscope_ui", "virtual_miniscope", "nodes",
                 "syntalos_mlink", "syntalos_miniscope.cli", "syntalos_miniscope.engine",
                 "syntalos_miniscope.project", "syntalos_miniscope.catalog")  # fmt: skip
    for name in imported(file):
        assert not name.startswith(forbidden), f"{file} imports {name}"
        assert name not in neighbours


def test_a_node_folder_holds_what_the_palette_and_syntalos_need() -> None:
    assert NODE_FILES, "there are nodes"
    for folder in {file.parent for file in NODE_FILES}:
        module = tomllib.loads((folder / "module.toml").read_text("utf-8"))["syntalos_module"]
        assert module["type"] == "python" and module["use_venv"] is False
        assert (folder / module["main"]).is_file() and (folder / module["icon"]).is_file()
        assert set(module["categories"]) <= {
            "example", "device", "generator", "scripting", "display", "writers", "processing"
        }  # fmt: skip


def test_no_library_file_imports_qt_or_the_ui_but_the_roots_lazily() -> None:
    for file in (ROOT / "syntalos_miniscope").rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        top = {
            str(getattr(s, "module", None) or s.names[0].name)
            for s in tree.body
            if isinstance(s, ast.Import | ast.ImportFrom)
        }
        root = file.relative_to(ROOT / "syntalos_miniscope").parts[0] in ("cli", "syntalos")
        everywhere = top if root else imported(file)
        assert not {name for name in everywhere if name.startswith(("PySide6", "pyqtgraph"))}
        assert not {name for name in everywhere if name.startswith("syntalos_miniscope_ui")}


@pytest.mark.parametrize(
    ("library", "file"),
    [("ezmsg", "engine/ezmsg/exchange.py"), ("syntalos_mlink", "syntalos/link.py")],
)
def test_one_file_knows_a_library_of_messages(library: str, file: str) -> None:
    room = ROOT / "syntalos_miniscope"
    knowing = {
        str(path.relative_to(room))
        for path in room.rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] == library
    }
    assert knowing == {file}
