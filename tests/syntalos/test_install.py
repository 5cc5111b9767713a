"""Our nodes in Syntalos's module folder: put there, checked, taken out, nobody else's touched."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from host import LINK, NODES, Host

from syntalos_miniscope.catalog import Catalog, shipped_folder
from syntalos_miniscope.syntalos import install, places
from syntalos_miniscope.syntalos.environment import Environment, given_environment, make_environment
from syntalos_miniscope.syntalos.places import BUILT_IN, Place, SyntalosError

OURS = Environment(Path(sys.executable))
TESTS = Catalog.find([NODES])


def silent(text: str) -> None:
    """Say nothing."""


@pytest.fixture
def place(home: Path) -> Place:
    return Place(
        home / "Syntalos" / "modules", (sys.executable,), sys.version_info[:2],
        home / "env", True, BUILT_IN,
    )  # fmt: skip


def test_an_installed_node_runs_as_syntalos_starts_it(place: Place, home: Path) -> None:
    """Syntalos's python3 on `main`, its PYTHONPATH first, nothing else known."""
    place.environment.symlink_to(sys.prefix)
    environment = given_environment(place.environment, place)
    (module,) = install.install([TESTS.folders["ticker"]], place, environment, silent)
    about = tomllib.loads((module / "module.toml").read_text())["syntalos_module"]
    assert about["type"] == "python" and about["name"] == "ticker" and not about["use_venv"]
    assert (module / about["icon"]).is_file() and (module / about["main"]).is_file()
    command = ["/usr/bin/python3", about["main"]]
    if not Path(command[0]).exists():
        pytest.skip("there is no /usr/bin/python3")
    shutil.copytree(module, home / "cwd")
    with Host("ticker", home / "cwd", command=command) as started:
        started.wait_ready()
        started.run(0.3)
        assert started.items["frames-out"] and not started.errors


def test_a_launcher_whose_environment_has_gone_says_so_in_a_line(place: Place) -> None:
    gone = Environment(Path("/nowhere/bin/python"))
    (module,) = install.install([TESTS.folders["slow"]], place, gone, silent)
    ran = subprocess.run(
        [sys.executable, module / "launch.py"], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1 and "'syntalos-miniscope syntalos install'" in ran.stderr


def test_a_module_started_by_hand_says_so_in_a_line(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SYNTALOS")}
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "syntalos_miniscope.syntalos", str(NODES / "slow")],
        capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1 and "Syntalos's Python link was not found" in ran.stderr
    env["SYNTALOS_MINISCOPE_LINK"] = str(LINK)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "syntalos_miniscope.syntalos", str(NODES / "no_such")],
        capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 1 and "there is no node 'no_such'" in ran.stderr


def test_a_link_that_does_not_load_is_named_in_a_line(home: Path) -> None:
    """Such as that of another build, or one whose libraries are gone."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    (home / f"syntalos_mlink{suffix}").write_bytes(b"no library")
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "syntalos_miniscope.syntalos", str(NODES / "slow")],
        capture_output=True, text=True, timeout=60, cwd=home,
        env=os.environ | {"SYNTALOS_MINISCOPE_LINK": str(home)},
    )  # fmt: skip
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1
    assert "Syntalos's Python link does not load: " in ran.stderr


def test_what_was_installed_is_listed_checked_and_taken_out(place: Place) -> None:
    other = place.modules / "somebody-elses"
    other.mkdir(parents=True)
    install.install([TESTS.folders["slow"], TESTS.folders["ticker"]], place, OURS, silent)
    modules = install.installed(place)
    assert [module.id for module in modules] == ["slow", "ticker"]
    assert install.troubles(modules, place) == {"slow": [], "ticker": []}
    assert install.uninstall(place, ["slow"], silent) == ["slow"]
    assert install.uninstall(place, [], silent) == ["ticker"]
    assert [path.name for path in place.modules.iterdir()] == ["somebody-elses"]
    with pytest.raises(SyntalosError, match="'slow' is no module of ours"):
        install.uninstall(place, ["slow"], silent)


def test_installing_again_replaces_ours(place: Place) -> None:
    folders = [TESTS.folders["slow"]]
    install.install(folders, place, Environment(Path("/nowhere/bin/python")), silent)
    install.install(folders, place, OURS, silent)
    (module,) = install.installed(place)
    assert module.environment == OURS
    assert [path.name for path in place.modules.iterdir()] == ["slow"]


def test_what_is_broken_is_told(place: Place, tmp_path: Path) -> None:
    nodes = tmp_path / "nodes"
    shutil.copytree(NODES / "slow", nodes / "lost")
    shutil.copytree(NODES / "slow", nodes / "canvas")
    folders = Catalog.find([nodes]).folders
    install.install([folders["lost"]], place, OURS, silent)
    gone = Environment(Path("/nowhere/bin/python"))
    install.install([TESTS.folders["ticker"]], place, gone, silent)
    install.install([TESTS.folders["slow"]], place, OURS, silent)
    shutil.rmtree(nodes / "lost")
    (place.modules / "slow" / "launch.py").unlink()
    (place.modules / "slow").rename(place.modules / "canvas")
    found = install.troubles(install.installed(place), place)
    assert "there is no node 'lost'" in found["lost"][0]
    assert "/nowhere/bin/python does not run" in found["ticker"][0]
    assert found["canvas"] == [
        "Syntalos has a module of this id itself", "launch.py is missing; install again"
    ]  # fmt: skip


def test_an_environment_of_another_python_is_told(place: Place) -> None:
    from dataclasses import replace

    other = replace(place, version=(3, 99))
    install.install([TESTS.folders["slow"]], other, OURS, silent)
    (words,) = install.troubles(install.installed(other), other)["slow"]
    assert "Syntalos uses 3.99" in words
    with pytest.raises(SyntalosError, match=r"Syntalos uses 3\.99"):
        given_environment(Path(sys.prefix), other)


def test_our_own_environment_is_taken_if_it_fits(place: Place) -> None:
    assert make_environment(place, silent) == OURS
    assert given_environment(Path(sys.prefix), place).python == Path(sys.prefix) / "bin" / "python"
    with pytest.raises(SyntalosError, match="is no environment"):
        given_environment(place.environment, place)


def test_a_module_of_syntalos_itself_is_never_hidden(place: Place, tmp_path: Path) -> None:
    shutil.copytree(NODES / "slow", tmp_path / "nodes" / "miniscope")
    folders = Catalog.find([tmp_path / "nodes"]).folders.values()
    with pytest.raises(SyntalosError, match="'miniscope' is a module of Syntalos itself"):
        install.install([TESTS.folders["slow"], *folders], place, OURS, silent)
    assert not place.modules.exists()


def test_somebody_elses_folder_is_never_overwritten(place: Place) -> None:
    (place.modules / "slow").mkdir(parents=True)
    (place.modules / "slow" / "precious").write_text("x")
    with pytest.raises(SyntalosError, match="is there and not ours"):
        install.install([TESTS.folders["slow"]], place, OURS, silent)
    assert (place.modules / "slow" / "precious").exists()


def test_what_syntalos_has_itself_is_not_put_there() -> None:
    ids = {folder.id for folder in install.suitable(Catalog.find([shipped_folder()]))}
    assert {"simulated_scope", "recording_player", "background_subtraction"} <= ids
    assert not ids & {"canvas", "table", "video_recorder", "signal_recorder", "stream_plot"}
    assert not ids & BUILT_IN


def test_one_file_knows_the_link() -> None:
    library = shipped_folder().parent / "syntalos_miniscope"
    imports = re.compile(r"^\s*(import|from) syntalos_mlink", re.MULTILINE)
    knowing = [path for path in library.rglob("*.py") if imports.search(path.read_text("utf-8"))]
    assert [path.name for path in knowing] == ["link.py"]


def test_the_link_of_another_python_than_syntalos_starts_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "syntalos_mlink.cpython-314-x86_64-linux-gnu.so").touch()
    assert places.link_versions([tmp_path, tmp_path / "none"]) == {(3, 14)}


def test_a_flatpak_is_installed_into_from_inside(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = home / "bin" / "flatpak"
    program.parent.mkdir()
    # Its PATH may lead to another Python than Syntalos starts.
    program.write_text(
        '#!/bin/sh\ncase "$2" in --command=/usr/bin/python3) '
        f'shift 3; exec {sys.executable} "$@";; esac\n'
        'shift 3; exec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(home))
    place = places.flatpak()
    data = home / ".var" / "app" / "org.syntalos.syntalos" / "data"
    assert place.modules == data / "modules" and place.version == sys.version_info[:2]
    environment = given_environment(Path(sys.prefix), place)
    assert environment.run_by[:2] == ("flatpak", "run")
    install.install([TESTS.folders["slow"]], place, environment, silent)
    assert install.troubles(install.installed(place), place) == {"slow": []}
