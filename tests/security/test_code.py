"""Nothing that is read is ever run: no shell, no pickle, no evaluation, in the rooms that ship."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.analysis.rois import load_rois
from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.recording.player import open_recording

ROOT = Path(__file__).parents[2]
ROOMS = ("syntalos_miniscope", "nodes", "ui", "hardware_mocks")
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "yaml", "joblib"}
CALLS = {
    "eval", "exec", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "yaml.load", "pandas.read_pickle", "numpy.core.records", "torch.load",
}  # fmt: skip


def offences(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            for name in [module] if module else [alias.name for alias in node.names]:
                if name.partition(".")[0] in MODULES:
                    yield node.lineno, f"imports {name}"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS:
                yield node.lineno, f"calls {called}"
            for keyword in node.keywords:
                value = getattr(keyword.value, "value", "?")
                if keyword.arg in ("shell", "allow_pickle") and value is not False:
                    yield node.lineno, f"{keyword.arg}={ast.unparse(keyword.value)}"


def test_no_shipped_file_runs_a_shell_a_pickle_or_text() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}: {what}"
        for room in ROOMS
        for file in sorted((ROOT / room).rglob("*.py"))
        for line, what in offences(ast.parse(file.read_text("utf-8")))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    ["import pickle", "from yaml import load", "eval(x)", "os.system('ls')", "run(x, shell=True)",
     "numpy.load(f, allow_pickle=True)", "run(x, shell=flag)"],
)  # fmt: skip
def test_the_search_would_find_them(text: str) -> None:
    assert list(offences(ast.parse(text)))


@pytest.mark.parametrize("name", ["observed", "ground_truth/C"])
@pytest.mark.parametrize(
    "change",
    [{"filters": [{"id": "pickle", "protocol": 5}]}, {"compressor": {"id": "pickle"}},
     {"dtype": "|O", "filters": [{"id": "json2"}]}, {"dtype": "|O", "filters": None}],
)  # fmt: skip
def test_a_pickle_in_a_recording_is_not_opened(
    synthetic_once: Path, tmp_path: Path, name: str, change: dict[str, object]
) -> None:
    path, bait = tmp_path / "rec.zarr", tmp_path / "bait"
    shutil.copytree(synthetic_once, path)
    meta = path / name / ".zarray"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | change))
    for chunk in (path / name).glob("[0-9]*"):
        chunk.write_bytes(b"cposix\nsystem\n(S'touch " + str(bait).encode() + b"'\ntR.")
    with pytest.raises(RecordingError):
        open_recording(path)
        open_minisim_zarr(path).truth()
    assert not bait.exists()


def test_a_pickle_in_a_file_of_regions_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "rois.npz"
    np.savez(path, A=np.array([{"a": 1}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        load_rois(path, (4, 4))
