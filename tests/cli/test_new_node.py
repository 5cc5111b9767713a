"""`new-node` gives a folder that runs, is tested and is found."""

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("name", "title"), [("my_filter", "My Filter"), ("frame", "Frame")])
def test_a_new_node_is_found_runs_and_passes_its_own_test(cli, tmp_path, name, title) -> None:
    """Also one whose name is that of something that it imports."""
    made = cli("new-node", name, "--in", str(tmp_path / "mine"))
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "mine" / name
    assert {path.name for path in folder.iterdir()} == {
        "module.toml", "node.py", "icon.svg", f"test_{name}.py",
    }  # fmt: skip
    listed = cli("nodes", "--json", "--nodes", str(tmp_path / "mine"))
    (entry,) = [node for node in json.loads(listed.stdout) if node["id"] == name]
    assert entry["name"] == title
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True, text=True, timeout=100, cwd=tmp_path,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout
    linted = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "100", str(folder)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert linted.returncode == 0, linted.stdout


def test_a_folder_that_is_there_is_not_touched(cli, tmp_path) -> None:
    (tmp_path / "my_filter").mkdir()
    (tmp_path / "my_filter" / "node.py").write_text("mine")
    refused = cli("new-node", "my_filter", "--in", str(tmp_path))
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    assert (tmp_path / "my_filter" / "node.py").read_text() == "mine"


def test_a_name_that_is_none_and_one_that_is_taken_are_refused(cli, tmp_path) -> None:
    for name, why in (("My Filter", "small letters"), ("canvas", "already")):
        refused = cli("new-node", name, "--in", str(tmp_path))
        assert refused.returncode == 2
        assert why in refused.stderr
        assert "Traceback" not in refused.stderr
    assert list(tmp_path.glob("*anvas")) == []
