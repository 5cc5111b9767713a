"""Cells are made whole or not at all, whatever ends a sweep, and a table says how each is."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest
from small_grid import write_grid
from waiting import wait_for

from syntalos_miniscope.cli import sweep as command
from syntalos_miniscope.cli.console import BadInputError
from syntalos_miniscope.recording.minisim_zarr import open_minisim_zarr
from syntalos_miniscope.sweep import run as sweep_run
from syntalos_miniscope.sweep.grid import Cell, GridError, load_grid
from syntalos_miniscope.sweep.pools import THREAD_SETTINGS, process_pool
from syntalos_miniscope.sweep.run import Result, sweep

FOUR = "seeds = [1, 2]\n[axes]\nsteps.sensor.photons_per_unit = [100, 200]\n"
NAMES = [f"photons_per_unit={p},seed={s}" for p in (100, 200) for s in (1, 2)]


@contextmanager
def one_thread() -> Generator[Executor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def rows(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "results.csv").read_text().splitlines()))


def made(monkeypatch: Any, make: Callable[[Cell, Path], str]) -> list[str]:
    """Put something quick in the place of what makes a cell; give the names that it was asked."""
    asked: list[str] = []

    def run_cell(cell: Cell, out: Path) -> str:
        asked.append(cell.name)
        return make(cell, out)

    monkeypatch.setattr(sweep_run, "run_cell", run_cell)
    return asked


def quick(cell: Cell, out: Path) -> str:
    (out / cell.name).mkdir()
    (out / cell.name / "score.json").write_text(json.dumps({"stamp": cell.stamp, "recall": 0.5}))
    return ""


def test_the_command_makes_four_cells_each_with_spec_truth_and_score(cli, tmp_path: Path) -> None:
    grid, out = write_grid(tmp_path, FOUR), tmp_path / "out"
    done = cli("sweep", str(grid), "--out", str(out), "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 cells" in done.stderr
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [*NAMES, "grid.toml", "results.csv", "results.png"]
    )
    table = rows(out)
    assert [row["cell"] for row in table] == NAMES
    assert [row["steps.sensor.photons_per_unit"] for row in table] == ["100", "100", "200", "200"]
    assert all(row["failed"] == "" and float(row["recall"]) > 0 for row in table)
    for name in NAMES:
        assert open_minisim_zarr(out / name / "recording.zarr").truth().n_units == 8
        assert json.loads((out / name / "spec.json").read_text())["acquisition"]["fps"] == 10
    assert cv2.imread(str(out / "results.png")) is not None


def test_only_what_is_missing_is_made_again(monkeypatch, tmp_path: Path) -> None:
    grid = load_grid(write_grid(tmp_path, FOUR))
    asked = made(monkeypatch, quick)
    sweep(grid, tmp_path / "out", one_thread, 1)
    assert asked == NAMES
    whole = (tmp_path / "out" / "results.csv").read_bytes()
    (tmp_path / "out" / NAMES[2] / "score.json").unlink()
    (tmp_path / "out" / NAMES[2]).rmdir()
    (tmp_path / "out" / ".cell.1.part").mkdir()
    told: list[tuple[int, int]] = []
    sweep(grid, tmp_path / "out", one_thread, 1, lambda done, of: told.append((done, of)))
    assert asked[4:] == [NAMES[2]] and told[0] == (3, 4) and told[-1] == (4, 4)
    assert (tmp_path / "out" / "results.csv").read_bytes() == whole
    assert not (tmp_path / "out" / ".cell.1.part").exists()


def test_a_cell_that_fails_is_listed_and_does_not_stop_the_rest(monkeypatch, tmp_path) -> None:
    grid = load_grid(write_grid(tmp_path, FOUR))
    made(monkeypatch, lambda c, out: "too dark" if c.name == NAMES[1] else quick(c, out))
    results = sweep(grid, tmp_path, one_thread, 1)
    assert [result.failed for result in results] == ["", "too dark", "", ""]
    assert [row["failed"] for row in rows(tmp_path)] == ["", "too dark", "", ""]
    again = made(monkeypatch, quick)
    assert not any(result.failed for result in sweep(grid, tmp_path, one_thread, 1))
    assert again == [NAMES[1]]


def test_a_real_cell_that_cannot_be_made_leaves_nothing_but_its_line(tmp_path: Path) -> None:
    grid = load_grid(write_grid(tmp_path, "seconds = 0.5\n"))
    (result,) = sweep(grid, tmp_path / "out", one_thread, 1)
    assert "too short to find cells" in result.failed
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "grid.toml", "results.csv", "results.png"
    ]  # fmt: skip


def test_the_cell_whose_process_dies_is_found_and_the_others_are_made(
    monkeypatch, tmp_path: Path
) -> None:
    def deadly(cell: Cell, out: Path) -> str:
        if cell.name == NAMES[1]:
            raise BrokenProcessPool("killed")
        return quick(cell, out)

    grid = load_grid(write_grid(tmp_path, FOUR))
    made(monkeypatch, deadly)
    results = sweep(grid, tmp_path, one_thread, 3)
    assert [bool(result.failed) for result in results] == [False, True, False, False]
    assert "the process that worked on it died" in results[1].failed


def test_a_cell_that_was_only_near_one_that_died_is_tried_again(
    monkeypatch: Any, tmp_path: Path
) -> None:
    def deadly(cell: Cell, out: Path) -> str:
        if cell.name == NAMES[1] or (asked.count(NAMES[2]) == 1 and cell.name == NAMES[2]):
            raise BrokenProcessPool("killed")
        return quick(cell, out)

    grid = load_grid(write_grid(tmp_path, FOUR))
    asked = made(monkeypatch, deadly)
    results = sweep(grid, tmp_path, one_thread, 3)
    assert [bool(result.failed) for result in results] == [False, True, False, False]


def test_the_command_tells_of_a_failed_cell_and_ends_with_exit_code_1(
    monkeypatch: Any, capsys: Any, tmp_path: Path
) -> None:
    path = write_grid(tmp_path, "")
    (cell,) = load_grid(path).cells
    monkeypatch.setattr(command, "_run", lambda *_: [Result(cell, None, "too dark")])
    with pytest.raises(SystemExit) as ended:
        command.sweep(path, tmp_path / "out")
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert f"Failed: {cell.name}: too dark" in told and "0 of 1 cells" in told


def test_processes_and_a_scheduler_are_not_both_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="give either --workers N or --dask ADDRESS"):
        command.sweep(write_grid(tmp_path, ""), tmp_path / "out", 2, "tcp://localhost:8786")


def test_an_interruption_keeps_what_is_done_in_the_table(monkeypatch, tmp_path: Path) -> None:
    def interrupted(cell: Cell, out: Path) -> str:
        if cell.name == NAMES[2]:
            raise KeyboardInterrupt
        return quick(cell, out)

    grid = load_grid(write_grid(tmp_path, FOUR))
    made(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(grid, tmp_path, one_thread, 1)
    assert [row["recall"] for row in rows(tmp_path)] == ["0.5", "0.5", "", ""]


def test_a_folder_of_another_grid_is_refused(monkeypatch, tmp_path: Path) -> None:
    made(monkeypatch, quick)
    sweep(load_grid(write_grid(tmp_path, FOUR)), tmp_path, one_thread, 1)
    other = load_grid(write_grid(tmp_path, f"seconds = 9\n{FOUR}"))
    with pytest.raises(GridError, match="made from another grid"):
        sweep(other, tmp_path, one_thread, 1)


def threads_of_this_process() -> tuple[int, int, list[str | None]]:
    import numba

    return (
        cv2.getNumThreads(),
        numba.get_num_threads(),
        [os.environ.get(n) for n in THREAD_SETTINGS],
    )


def test_workers_share_the_cores(monkeypatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    with process_pool(6) as pool:
        found = pool.submit(threads_of_this_process).result()
    assert found == (1, 1, ["1"] * 4)
    assert {name: os.environ.get(name) for name in THREAD_SETTINGS} == before


def test_a_bad_grid_and_a_bad_choice_are_one_line_and_exit_code_2(cli, tmp_path: Path) -> None:
    grid = write_grid(tmp_path, "[axes]\nacquisition.fsp = [1]\n")
    refused = cli("sweep", str(grid), "--out", str(tmp_path / "out"))
    assert refused.returncode == 2 and "has no field 'fsp'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and not (tmp_path / "out").exists()


def begun(grid: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-m", "syntalos_miniscope.cli", "sweep", str(grid), "--out", str(out)]
    return subprocess.Popen([*call, *more], stderr=subprocess.DEVNULL, start_new_session=True)


def cells_in(out: Path) -> list[str]:
    return sorted(p.name for p in out.glob("photons*")) if out.is_dir() else []


def alive_below(session: int) -> list[str]:
    """The processes of a session that are not zombies."""
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = entry.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(its_session) == session and state != "Z":
            found.append(entry.parent.name)
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_sixty_four_specs_killed_half_way_and_resumed_are_as_if_never_stopped(
    tmp_path: Path,
) -> None:
    body = (
        "seeds = [1, 2, 3, 4]\n[axes]\nsteps.sensor.photons_per_unit = [20, 50, 100, 200]\n"
        "steps.cell_activity.tau_decay_s = [0.2, 0.4, 0.8, 1.6]\n"
    )
    grid = write_grid(tmp_path, body)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert begun(grid, whole).wait() == 0
    assert len(cells_in(whole)) == 64
    for stop, expected in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        there = len(cells_in(cut))
        going = begun(grid, cut)
        wait_for(lambda: len(cells_in(cut)) >= there + 20, 120)  # noqa: B023 - called in this round
        os.kill(going.pid, stop)
        assert going.wait(120) == expected
        wait_for(lambda: not alive_below(going.pid), 120)  # noqa: B023
        assert len(cells_in(cut)) < 64
        for name in cells_in(cut):
            assert (cut / name / "score.json").is_file(), "no half cell under its own name"
    assert begun(grid, cut).wait() == 0
    assert (cut / "results.csv").read_bytes() == (whole / "results.csv").read_bytes()
    assert (cut / "results.png").read_bytes() == (whole / "results.png").read_bytes()
    assert not list(cut.glob(".*.part"))


@pytest.mark.slow
def test_dask_makes_the_same_table(cli, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    grid = write_grid(tmp_path, FOUR)
    here, there = tmp_path / "here", tmp_path / "there"
    assert cli("sweep", str(grid), "--out", str(here), "--workers", "1").returncode == 0
    scheduler_file = tmp_path / "scheduler.json"
    common = [sys.executable, "-m", "distributed.cli"]
    cluster = [
        subprocess.Popen([*common[:2], module, *arguments], stderr=subprocess.DEVNULL)
        for module, arguments in (
            ("distributed.cli.dask_scheduler", ["--host", "127.0.0.1", "--port", "0",
                                                "--no-dashboard",
                                                "--scheduler-file", str(scheduler_file)]),
            ("distributed.cli.dask_worker", ["--host", "127.0.0.1", "--nworkers", "1",
                                             "--nthreads", "1", "--no-dashboard",
                                             "--scheduler-file", str(scheduler_file)]),
        )
    ]  # fmt: skip
    try:
        wait_for(scheduler_file.is_file, 120)
        address = json.loads(scheduler_file.read_text())["address"]
        done = cli("sweep", str(grid), "--out", str(there), "--dask", address)
        assert done.returncode == 0, done.stderr
    finally:
        for process in reversed(cluster):
            process.terminate()
            process.wait(60)
    assert (there / "results.csv").read_bytes() == (here / "results.csv").read_bytes()
