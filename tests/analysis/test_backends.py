"""Back ends are asked through files: what a child may do, and what becomes of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from syntalos_miniscope.analysis.backends import (
    BACKENDS,
    BUILT_IN,
    BackendError,
    Installed,
    choose_backend,
    extract,
    motion_correct,
)
from syntalos_miniscope.analysis.backends.environments import Backend
from syntalos_miniscope.analysis.extraction import ExtractionParameters

RUNNERS = BACKENDS["suite2p"].runner.parent
STAND_IN = Path(__file__).with_name("stand_in.py")
PARAMETERS = ExtractionParameters()
PATIENCE_S = 60
"""Only a broken program is waited for so long."""

StandIn = Callable[[str], Installed]


@pytest.fixture
def stand_in(tmp_path, monkeypatch) -> StandIn:
    monkeypatch.setenv("RUNNERS", str(RUNNERS))

    def make(mode: str) -> Installed:
        runner = tmp_path / f"{mode}.py"
        shutil.copy(STAND_IN, runner)
        return Installed(Backend("minian", runner), Path(sys.executable), "1.0")

    return make


@pytest.fixture
def movie() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 16, 12), np.uint8)


def ask(movie, chosen, work, progress=None, parameters=PARAMETERS):
    return extract(movie, parameters, chosen, work, progress, frame_rate_hz=20.0)


def runs(work: Path) -> int:
    return len((work / "runs.txt").read_text().splitlines())


def ended(pid: int) -> bool:
    """Say whether a process is gone, or waits only for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(true: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def test_cells_come_back_with_peaks_of_one_and_the_light_in_their_traces(stand_in, movie, tmp_path):
    told = []
    found = ask(movie, stand_in("good"), tmp_path / "work", lambda *said: told.append(said))
    assert len(found) == 2  # the third has no footprint
    assert found.pictures().max(axis=(1, 2)).tolist() == [1, 1]
    assert found.traces[0, 1] == pytest.approx(2.0)  # twice as bright a footprint before
    assert found.traces[1, 0] == pytest.approx(30.0)
    assert found.pictures().dtype == found.traces.dtype == np.float32
    assert found.backend == "minian"
    assert told == [("loading the program", None), ("looking for cells", 0.25)]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_the_child_is_told_everything_in_request_json(stand_in, movie, tmp_path, kind):
    ask(movie.astype(kind), stand_in("good"), tmp_path / "work")
    request = json.loads((tmp_path / "work" / "request.json").read_text())
    assert request["format"] == 1
    assert request["what"] == "extract"
    assert request["frame_rate_hz"] == 20.0
    assert request["shape"] == [60, 16, 12]
    assert request["parameters"]["gSig"] == [7, 7]
    assert not (tmp_path / "work" / "movie.npy").exists()  # nothing is left twice on the disk


def test_a_movie_that_is_a_file_already_is_not_written_again(stand_in, movie, tmp_path):
    np.save(tmp_path / "mine.npy", movie)
    there = np.load(tmp_path / "mine.npy", mmap_mode="r")
    ask(there, stand_in("good"), tmp_path / "work")
    request = json.loads((tmp_path / "work" / "request.json").read_text())
    assert request["movie"] == str(tmp_path / "mine.npy")
    part = there[:55]
    ask(part, stand_in("good"), tmp_path / "part")
    request = json.loads((tmp_path / "part" / "request.json").read_text())
    assert request["movie"] == str(tmp_path / "part" / "movie.npy")
    assert (tmp_path / "part" / "runs.txt").read_text() == "55\n"


def test_a_finished_result_is_taken_until_anything_changes(stand_in, movie, tmp_path):
    work, chosen = tmp_path / "work", stand_in("good")
    for _ in range(2):
        ask(movie, chosen, work)
    assert runs(work) == 1
    ask(movie, chosen, work, parameters=ExtractionParameters(gSig=(3, 3)))
    assert runs(work) == 2
    movie[59, 15, 11] ^= 1
    ask(movie, chosen, work, parameters=ExtractionParameters(gSig=(3, 3)))
    assert runs(work) == 3
    newer = Installed(chosen.backend, chosen.python, "1.1")
    ask(movie, newer, work, parameters=ExtractionParameters(gSig=(3, 3)))
    assert runs(work) == 4


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("raises", "minian failed: ValueError: there is no light"),
        ("memory", "minian failed: memory ran out"),
        ("killed", "minian was killed, as the system does when memory runs out"),
        ("silent", "minian ended with code 3 and no result: a library is missing"),
        ("short", "the result of minian is of another size than the movie"),
        ("lacks", "the result of minian lacks raw"),
    ],
)
def test_a_child_that_fails_is_one_clear_line(stand_in, movie, tmp_path, mode, said):
    with pytest.raises(BackendError) as failed:
        ask(movie, stand_in(mode), tmp_path / "work")
    assert str(failed.value).startswith(said)
    assert "\n" not in str(failed.value)
    assert "log.txt" in str(failed.value)


def test_after_a_failure_it_is_run_anew(stand_in, movie, tmp_path):
    work = tmp_path / "work"
    with pytest.raises(BackendError):
        ask(movie, stand_in("raises"), work)
    assert len(ask(movie, stand_in("good"), work)) == 2


def test_a_result_that_was_damaged_is_told_and_made_anew(stand_in, movie, tmp_path):
    work, chosen = tmp_path / "work", stand_in("good")
    ask(movie, chosen, work)
    whole = (work / "result.npz").read_bytes()
    (work / "result.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackendError, match="cannot be read"):
        ask(movie, chosen, work)
    assert len(ask(movie, chosen, work)) == 2
    assert runs(work) == 2


@pytest.mark.parametrize("mode", ["surroundings", "babble"])
def test_the_child_is_kept_apart_and_its_babble_is_passed_over(
    stand_in, movie, tmp_path, monkeypatch, mode
):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    told = []
    ask(movie, stand_in(mode), tmp_path / "work", lambda *said: told.append(said))
    assert told[-1] == ("looking for cells", 0.25)


def test_ctrl_c_ends_the_child_and_what_it_started(stand_in, movie, tmp_path):
    def stop(stage: str, share: float | None) -> None:
        if stage == "waiting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(movie, stand_in("waits"), tmp_path / "work", stop)
    for pid in (tmp_path / "work" / "pids.txt").read_text().split():
        wait_until(lambda pid=pid: ended(int(pid)))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_child_does_not_outlive_a_killed_parent(stand_in, movie, tmp_path):
    chosen = stand_in("waits")
    np.save(tmp_path / "movie.npy", movie)
    program = (
        "import sys, numpy as np; from pathlib import Path;"
        "from syntalos_miniscope.analysis.backends import *;"
        "from syntalos_miniscope.analysis.backends.environments import Backend;"
        "from syntalos_miniscope.analysis.extraction import ExtractionParameters;"
        "chosen = Installed(Backend('minian', Path(sys.argv[1])), Path(sys.executable), '1.0');"
        "extract(np.load(sys.argv[2]), ExtractionParameters(), chosen, Path(sys.argv[3]),"
        " frame_rate_hz=20.0)"
    )
    work = tmp_path / "work"
    arguments = [str(chosen.backend.runner), str(tmp_path / "movie.npy"), str(work)]
    with subprocess.Popen([sys.executable, "-c", program, *arguments]) as parent:
        try:
            wait_until(lambda: (work / "pids.txt").exists() and len(pids(work)) == 2)
        finally:
            parent.send_signal(signal.SIGKILL)
    for pid in pids(work):
        wait_until(lambda pid=pid: ended(pid))


def pids(work: Path) -> list[int]:
    return [int(pid) for pid in (work / "pids.txt").read_text().split()]


def test_motion_comes_back_as_a_movie_on_disk(stand_in, movie, tmp_path):
    found = motion_correct(
        movie, PARAMETERS, stand_in("good"), tmp_path / "work", frame_rate_hz=20.0
    )
    assert isinstance(found.movie, np.memmap)
    np.testing.assert_array_equal(found.movie, movie + np.float32(1))
    assert found.shifts.shape == (60, 2)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.zeros((60, 16), np.uint8), "a movie is"),
        (np.zeros((60, 16, 12)), "not 3-dimensional float64"),
        (np.zeros((10, 16, 12), np.uint8), "10 frames is too short"),
        (np.full((60, 16, 12), np.nan, np.float32), "values that are no numbers"),
    ],
)
def test_a_movie_that_cannot_be_is_refused_before_anything_runs(stand_in, tmp_path, bad, said):
    with pytest.raises(BackendError, match=said):
        ask(bad, stand_in("good"), tmp_path / "work")


def test_a_python_that_is_gone_is_one_clear_line(movie, tmp_path):
    gone = Installed(BACKENDS["minian"], tmp_path / "python", "1.0")
    with pytest.raises(BackendError, match="minian cannot be started: No such file"):
        ask(movie, gone, tmp_path / "work")


def test_without_back_ends_that_is_said_and_the_built_in_way_is_taken(tmp_path, movie):
    assert choose_backend(None, tmp_path) is None
    assert choose_backend(BUILT_IN, tmp_path) is None
    with pytest.raises(BackendError, match="analyze-setup suite2p"):
        choose_backend("suite2p", tmp_path)
    with pytest.raises(BackendError, match="--caiman-env"):
        choose_backend("caiman", tmp_path)
    with pytest.raises(BackendError, match="there is no back end 'cnmf'"):
        choose_backend("cnmf", tmp_path)
    with pytest.raises(BackendError, match="no back end that corrects motion"):
        motion_correct(movie, PARAMETERS, BUILT_IN, tmp_path, frame_rate_hz=20.0)


@pytest.mark.parametrize("name", BACKENDS)
def test_every_runner_reads_as_a_program_of_its_own(name):
    text = BACKENDS[name].runner.read_text("utf-8")
    compile(text, name, "exec")
    assert "syntalos_miniscope" not in text
    assert os.access(RUNNERS / "runner_protocol.py", os.R_OK)
