"""Environments of back ends: made, adopted, listed and taken away; nothing half made is left."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_backends import RUNNERS, STAND_IN

from syntalos_miniscope.analysis.backends import BACKENDS, BackendError, installed, making
from syntalos_miniscope.analysis.backends.environments import Backend

UNREAL = "a-distribution-that-is-not-there"


@pytest.fixture
def bare(tmp_path) -> Path:
    """An environment without anything in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    return tmp_path / "env"


def put(environment: Path, module: str, text: str) -> None:
    file = next(environment.glob("lib/python*/site-packages")) / module
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_caiman_is_taken_from_where_a_person_has_it(bare, tmp_path):
    put(bare, "caiman/__init__.py", "__version__ = '1.12.1'")
    put(bare, "caiman/source_extraction/cnmf/__init__.py", "")
    said = []
    for place in (bare, bare / "bin" / "python"):
        making.adopt_caiman(place, said.append, folder=tmp_path / "backends")
        there = installed(tmp_path / "backends")
        assert list(there) == ["caiman"]
        assert there["caiman"].version == "1.12.1"
        assert there["caiman"].python == bare / "bin" / "python"
    assert "Importing CaImAn" in said[0]


def test_the_other_program_of_that_name_is_refused(bare, tmp_path):
    put(bare, "caiman/__init__.py", "")
    with pytest.raises(BackendError, match="PyPI's caiman is another program"):
        making.adopt_caiman(bare, print, folder=tmp_path / "backends")
    assert not installed(tmp_path / "backends")


def test_an_environment_without_caiman_is_refused(bare, tmp_path):
    with pytest.raises(BackendError, match="CaImAn is not installed there"):
        making.adopt_caiman(bare, print, folder=tmp_path)
    with pytest.raises(BackendError, match="is no environment"):
        making.adopt_caiman(tmp_path / "nowhere", print, folder=tmp_path)


def test_caiman_is_never_taken_from_an_index(tmp_path):
    with pytest.raises(BackendError, match="another program"):
        making.make("caiman", print, folder=tmp_path)


@pytest.mark.parametrize("name", [n for n, b in BACKENDS.items() if b.lock is not None])
def test_a_lock_names_one_version_of_everything(name):
    backend = BACKENDS[name]
    assert backend.lock is not None
    lines = [line for line in backend.lock.read_text().splitlines() if not line.startswith("#")]
    assert all("==" in line.split(";")[0] for line in lines)
    assert f"{name}=={backend.version}" in (*lines, backend.alone)
    assert not any(line.startswith("caiman") for line in lines)


@pytest.fixture
def local(tmp_path, monkeypatch) -> Backend:
    """A back end that needs nothing but what pytest runs in."""
    monkeypatch.setenv("RUNNERS", str(RUNNERS))
    runner, lock = tmp_path / "good.py", tmp_path / "lock.txt"
    runner.write_text(STAND_IN.read_text())
    lock.write_text("# nothing\n")
    backend = Backend("suite2p", runner, "1.1.0", lock)
    monkeypatch.setitem(BACKENDS, "suite2p", backend)
    return backend


def test_one_that_cannot_be_installed_leaves_nothing(local, tmp_path):
    assert local.lock is not None
    local.lock.write_text(f"{UNREAL} @ file://{tmp_path}/{UNREAL}.whl\n")
    with pytest.raises(BackendError, match="pip install failed: ERROR"):
        making.make("suite2p", print, python=Path(sys.executable), folder=tmp_path / "backends")
    assert not (tmp_path / "backends").exists()


def test_one_that_does_not_run_leaves_nothing_but_the_trial(local, tmp_path):
    # The environment has no numpy, so the runner fails.
    folder, said = tmp_path / "backends", []
    with pytest.raises(BackendError, match="suite2p ended with code 1"):
        making.make("suite2p", said.append, python=Path(sys.executable), folder=folder)
    assert "Trying it on a tiny movie" in said
    assert not installed(folder)
    assert [path.name for path in folder.iterdir()] == ["suite2p-trial"]
    assert "numpy" in (folder / "suite2p-trial" / "log.txt").read_text()
    assert making.remove("suite2p", folder)
    assert not making.remove("suite2p", folder)


def test_one_that_fails_leaves_what_was_there_before(local, bare, tmp_path):
    folder = tmp_path / "backends"
    (folder / "suite2p").mkdir(parents=True)
    ready = json.dumps({"python": str(bare / "bin" / "python"), "version": "1.0.0"})
    (folder / "suite2p" / "ready.json").write_text(ready)
    assert local.lock is not None
    local.lock.write_text(f"{UNREAL} @ file://{tmp_path}/{UNREAL}.whl\n")
    with pytest.raises(BackendError, match="pip install failed: ERROR"):
        making.make("suite2p", print, python=Path(sys.executable), folder=folder)
    assert installed(folder)["suite2p"].version == "1.0.0"
    assert [path.name for path in folder.iterdir()] == ["suite2p"]


def test_one_whose_making_was_killed_is_made_again_or_comes_back(bare, tmp_path):
    folder = tmp_path / "backends"
    put(bare, "caiman/__init__.py", "__version__ = '1.12.1'")
    put(bare, "caiman/source_extraction/cnmf/__init__.py", "")
    making.adopt_caiman(bare, print, folder=folder)
    (folder / "caiman").rename(folder / "caiman-before")
    (folder / "caiman" / "env").mkdir(parents=True)
    with pytest.raises(ZeroDivisionError), making.afresh(folder / "caiman"):
        assert not list((folder / "caiman").iterdir())
        raise ZeroDivisionError
    assert installed(folder)["caiman"].version == "1.12.1"
    making.adopt_caiman(bare, print, folder=folder)
    assert [path.name for path in folder.iterdir()] == ["caiman"]


def test_two_that_set_up_the_same_do_not_meet(local, bare, tmp_path):
    folder = tmp_path / "backends"
    for name, begin in {
        "suite2p": lambda: making.make(
            "suite2p", print, python=Path(sys.executable), folder=folder
        ),
        "caiman": lambda: making.adopt_caiman(bare, print, folder=folder),
        "minian": lambda: making.remove("minian", folder),
    }.items():
        put(bare, "caiman/__init__.py", "")
        put(bare, "caiman/source_extraction/cnmf/__init__.py", "")
        with making.alone(folder / name):
            with pytest.raises(BackendError, match=f"{name} is being set up by another process"):
                begin()
            with making.alone(folder / "another"):
                pass
    assert not folder.exists()


def test_a_python_that_will_not_do_is_refused(tmp_path, monkeypatch):
    with pytest.raises(BackendError, match="cannot be run"):
        making.make("suite2p", print, python=tmp_path / "python", folder=tmp_path)
    old = Backend("minian", RUNNERS / "x.py", "1", tmp_path / "lock", pythons=((3, 1), (3, 2)))
    monkeypatch.setitem(BACKENDS, "minian", old)
    with pytest.raises(BackendError, match=r"minian 1 is locked for 3\.1 to 3\.2"):
        making.make("minian", print, python=Path(sys.executable), folder=tmp_path)
    with pytest.raises(BackendError, match="there is no back end 'cnmf'"):
        making.make("cnmf", print, folder=tmp_path)


def command(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from pathlib import Path; import platformdirs;"
        f"platformdirs.user_data_dir = lambda *a, **k: {str(tmp_path)!r};"
        "from syntalos_miniscope.cli import main; main()"
    )
    run = [sys.executable, "-c", program, "analyze-setup", *words]
    return subprocess.run(run, capture_output=True, text=True, timeout=120)


def test_the_command_lists_adopts_and_removes(bare, tmp_path):
    put(bare, "caiman/__init__.py", "")
    put(bare, "caiman/source_extraction/cnmf/__init__.py", "")
    done = command(tmp_path, "--list")
    assert done.returncode == 0
    assert "suite2p: not set up; syntalos-miniscope analyze-setup suite2p" in done.stdout
    done = command(tmp_path, "caiman", "--caiman-env", str(bare))
    assert done.returncode == 0, done.stderr
    assert "caiman unknown is ready" in done.stderr
    assert str(bare) in command(tmp_path, "--list").stdout
    assert json.loads((tmp_path / "backends" / "caiman" / "ready.json").read_text())
    assert "caiman removed" in command(tmp_path, "caiman", "--remove").stderr
    assert "caiman: not set up" in command(tmp_path, "--list").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cnmf"], "there is no back end 'cnmf'"),
        ([], "say which"),
        (["suite2p", "--caiman-env", "."], "--caiman-env is for caiman"),
        (["caiman"], "another program"),
    ],
)
def test_what_cannot_be_set_up_is_one_line_and_exit_2(tmp_path, words, said):
    done = command(tmp_path, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
