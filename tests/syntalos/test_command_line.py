"""`syntalos-miniscope syntalos`, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from host import saved

from syntalos_miniscope.syntalos.nodes import load_node
from syntalos_miniscope.syntalos.saved_settings import read


@pytest.fixture
def syntalos(home: Path) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG")}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "syntalos_miniscope.cli", "syntalos", *words],
            capture_output=True, text=True, timeout=120, env=env | {"HOME": str(home)},
        )  # fmt: skip

    yield call


def test_the_command_line_refuses_in_a_line(
    syntalos: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, home: Path
) -> None:
    for words, said in (
        (["install", "no_such"], "there is no node 'no_such'; known: "),
        (["install", "--env", str(tmp_path)], "is no environment: there is no "),
        (["install", "table", "--env", sys.prefix], "'table' is a module of Syntalos itself"),
        (["uninstall", "slow"], "'slow' is no module of ours"),
        (
            ["example", str(tmp_path / "x.syct"), "--source", "table"],
            "table is no scope: it lacks the outputs bno-raw-out",
        ),
        (["example", str(tmp_path / "x.syct"), "--set", "led_percent=200"], "led_percent: Input"),
        (["example", str(tmp_path / "no" / "x.syct")], "cannot write"),
    ):
        ran = syntalos(*words)
        assert ran.returncode == 2, (words, ran.stderr)
        assert said in ran.stderr and "Traceback" not in ran.stderr
    assert not (home / ".local").exists()
    ran = syntalos("list")
    assert ran.returncode == 0 and "none of ours is in" in ran.stderr


def test_an_example_is_wired_as_the_manual_shows(
    syntalos: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    file = tmp_path / "rehearsal.syct"
    ran = syntalos("example", str(file), "--set", "frame_rate_hz=30", "--export", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    with tarfile.open(file) as tar:
        names = tar.getnames()
        texts = {m.name: f.read() for m in tar if (f := tar.extractfile(m)) is not None}
    main = tomllib.loads(texts["main.toml"].decode())
    assert main["version_format"] == "1" and main["experiment_id"] == "rehearsal"
    assert main["export_base_dir"] == str(tmp_path)
    infos = [tomllib.loads(texts[n].decode()) for n in sorted(texts) if n.endswith("info.toml")]
    wires = {
        (info["id"], port): (source, output)
        for info in infos
        for port, (source, output) in info["subscriptions"].items()
    }
    assert wires == {
        ("videorecorder", "frames-in"): ("Simulated Scope", "frames-raw-out"),
        ("canvas", "frames-in"): ("Simulated Scope", "frames-disp-out"),
        ("table", "rows"): ("Simulated Scope", "bno-tab-out"),
        ("plot-timeseries", "default-float-in"): ("Simulated Scope", "bno-raw-out"),
    }
    data = texts["000-simulated_scope/simulated_scope.dat"]
    node = load_node("simulated_scope")
    settings = read(data, node, "simulated_scope")
    assert settings == node.Settings.model_validate({"frame_rate_hz": 30.0})
    assert "000-simulated_scope" in names and data != saved("simulated_scope", {})
    recorder = tomllib.loads(texts["001-videorecorder/videorecorder.toml"].decode())
    assert recorder["video_codec"] == 2 and recorder["lossless"] and recorder["save_timestamps"]


def test_an_example_names_files_in_full(
    syntalos: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In Syntalos a module looks from its own folder, not from here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mouse 1").mkdir()
    ran = syntalos(
        "example",
        "x.syct",
        "--source",
        "recording_player",
        "--set",
        "path=mouse 1",
        "--set",
        "loop=true",
    )
    assert ran.returncode == 0, ran.stderr
    with tarfile.open("x.syct") as tar:
        data = tar.extractfile("000-recording_player/recording_player.dat")
        assert data is not None
        settings: Any = read(data.read(), load_node("recording_player"), "recording_player")
    assert (settings.path, settings.loop) == (str(tmp_path / "mouse 1"), True)
