"""One process at a time writes to a folder, on every system."""

import fcntl
import subprocess
import sys
from types import SimpleNamespace

import pytest

from syntalos_miniscope.analysis import folder_lock
from syntalos_miniscope.analysis.folder_lock import held
from syntalos_miniscope.recording import RecordingError

TAKEN = RecordingError("somebody else has it")


def locking(handle, mode, count):
    """As Windows does: an error that says access is denied."""
    assert (mode, count) == ("non-blocking", 1)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(13, "Permission denied") from error


@pytest.fixture(params=["linux", "win32"])
def system(request, monkeypatch, tmp_path):
    """The system that the tests run on, and a Windows whose locks are faked."""
    if request.param == "win32":
        fake = SimpleNamespace(locking=locking, LK_NBLCK="non-blocking")
        monkeypatch.setitem(sys.modules, "msvcrt", fake)
        monkeypatch.setattr(folder_lock, "sys", SimpleNamespace(platform="win32"))
        (tmp_path / "temp").mkdir()
        monkeypatch.setattr(folder_lock.tempfile, "tempdir", str(tmp_path / "temp"))


@pytest.mark.usefixtures("system")
def test_a_folder_is_held_by_one_at_a_time(tmp_path):
    folder = tmp_path / "a" / "b"
    with held(folder, TAKEN):
        with pytest.raises(RecordingError, match="somebody else"), held(folder, TAKEN):
            pass
        with held(tmp_path / "other", TAKEN):
            assert folder.is_dir()
    with held(tmp_path / "a" / "." / "b", TAKEN):
        assert folder.is_dir()
    assert not (tmp_path / "a").exists() and not (tmp_path / "other").exists()


@pytest.mark.usefixtures("system")
def test_a_folder_that_was_there_or_was_written_to_stays(tmp_path):
    (tmp_path / "before").mkdir()
    with held(tmp_path / "before", TAKEN), held(tmp_path / "a" / "b", TAKEN):
        (tmp_path / "a" / "b" / "result").touch()
    assert (tmp_path / "before").is_dir() and (tmp_path / "a" / "b" / "result").exists()


HOLDS = """
import sys
from pathlib import Path
from syntalos_miniscope.analysis.folder_lock import held
with held(Path(sys.argv[1]), RuntimeError()):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_held_against_another_process_until_that_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(RecordingError, match="somebody else"), held(tmp_path, TAKEN):
            pass
        other.kill()
        other.wait()
        with held(tmp_path, TAKEN):
            pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot write"), held(tmp_path / "file" / "a", TAKEN):
        pass
