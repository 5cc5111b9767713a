"""The wheel, installed into an empty environment, works from anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return next(dist.glob("*.whl"))


def test_the_wheel_puts_exactly_three_names_into_site_packages(wheel: Path) -> None:
    names = {Path(name).parts[0] for name in zipfile.ZipFile(wheel).namelist()}
    names = {name for name in names if not name.endswith(".dist-info")}
    assert names == {"syntalos_miniscope", "syntalos_miniscope_ui", "virtual_miniscope"}


def test_the_wheel_holds_no_tests_and_every_node_folder(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "test" in Path(name).name]
    shipped = {path.parent.name for path in (ROOT / "nodes").glob("*/module.toml")}
    assert {Path(n).parts[2] for n in names if n.startswith("syntalos_miniscope/nodes/")} == shipped


def test_the_installed_command_lists_its_nodes_from_the_root_folder(
    wheel: Path, tmp_path: Path
) -> None:
    home = tmp_path / "env"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    lock = ["--constraint", str(ROOT / "requirements.lock")]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(home)], check=True)
    subprocess.run([*uv, "pip", "install", "--python", str(home), *lock, str(wheel)], check=True)
    listed = subprocess.run(
        [str(home / "bin" / "syntalos-miniscope"), "nodes", "--json"],
        cwd="/", check=True, capture_output=True, text=True, env={"HOME": str(tmp_path)},
    )  # fmt: skip
    nodes = json.loads(listed.stdout)
    assert {node["id"] for node in nodes} == {
        p.parent.name for p in (ROOT / "nodes").glob("*/module.toml")
    }
    assert all(node["path"].startswith(str(home)) for node in nodes)
