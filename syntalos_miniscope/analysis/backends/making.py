"""Makes an environment for a back end, checks one that a person has, and takes one away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syntalos_miniscope.analysis.backends.asking import extract
from syntalos_miniscope.analysis.backends.child import surroundings
from syntalos_miniscope.analysis.backends.environments import (
    BACKENDS,
    Backend,
    BackendError,
    Installed,
    backends_folder,
)
from syntalos_miniscope.analysis.extraction import ExtractionParameters
from syntalos_miniscope.analysis.folder_lock import held
from syntalos_miniscope.recording import RecordingError

Say = Callable[[str], None]

ROOM_GB = 3.0
"""Below so much free disk no environment is begun."""

TOLD = ("Collecting", "Downloading", "Building", "Installing")
"""What pip begins a line with that a person may want to see."""

ASK_PYTHON = """
import json, sys
try:
    import ensurepip, venv
except ImportError:
    sys.exit("it cannot make virtual environments")
print(json.dumps(list(sys.version_info[:2])))
"""
ASK_CAIMAN = """
import sys
try:
    import caiman
except ImportError as error:
    sys.exit(f"CaImAn is not installed there ({error})")
try:
    import caiman.source_extraction.cnmf
except ImportError as error:
    sys.exit(f"its caiman has no source extraction ({error}): PyPI's caiman is another program")
print(getattr(caiman, "__version__", "unknown"))
"""


def make(
    name: str, say: Say, *, python: Path | None = None, folder: Path | None = None
) -> Installed:
    """Make the environment of a back end anew, try it on a tiny movie, and give it.

    BackendError says in one line what stood in the way; nothing half made is left then, and an
    environment that was there before stays.
    """
    backend = _backend(name)
    if backend.version is None or backend.lock is None:
        raise BackendError(
            f"{name} is not on PyPI (its {name!r} is another program): make its conda environment "
            f"and name it with --{name}-env PATH"
        )
    chosen = _check_python(backend, python) if python else _find_python(backend)
    home = (folder or backends_folder()) / name
    with afresh(home):
        free_gb = shutil.disk_usage(home).free / 1e9
        if free_gb < ROOM_GB:
            raise BackendError(f"{home} has {free_gb:.1f} GB free; {name} needs {ROOM_GB:g} GB")
        say(f"Making {home} with {chosen}")
        _run([str(chosen), "-m", "venv", str(home / "env")], say)
        ours = home / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        pip = [str(ours), "-m", "pip", "install", "--disable-pip-version-check"]
        pip += ["--progress-bar", "off"]
        _run([*pip, "--requirement", str(backend.lock)], say)
        if backend.alone:
            _run([*pip, "--no-deps", backend.alone], say)
        found = Installed(backend, ours, backend.version)
        say("Trying it on a tiny movie")
        _try(found, _trial(home))
        _remember(home, found)
    return found


def adopt_caiman(place: Path, say: Say, *, folder: Path | None = None) -> Installed:
    """Take a person's environment with CaImAn, or the Python of one, and give it.

    BackendError if CaImAn's source extraction cannot be imported there.
    """
    backend = BACKENDS["caiman"]
    place = place.expanduser().absolute()
    tried = [place] if place.is_file() else [place / "bin" / "python", place / "python.exe"]
    python = next((path for path in tried if path.is_file()), None)
    if python is None:
        raise BackendError(f"{place} is no environment: there is no {tried[0]}")
    say(f"Importing CaImAn with {python}")
    code, said = _ask([str(python), "-E", "-s", "-c", ASK_CAIMAN], python)
    if code:
        raise BackendError(f"{python}: {said}")
    found = Installed(backend, python, said)
    home = (folder or backends_folder()) / backend.name
    with afresh(home):
        _remember(home, found)
    return found


def remove(name: str, folder: Path | None = None) -> bool:
    """Take away what was made or noted for a back end; False if there was nothing."""
    home = (folder or backends_folder()) / _backend(name).name
    with alone(home):
        beside = (home.with_name(f"{home.name}-before"), _trial(home))
        there = [path for path in (home, *beside) if path.exists()]
        for path in there:
            shutil.rmtree(path)
    return bool(there)


def _backend(name: str) -> Backend:
    if name not in BACKENDS:
        raise BackendError(f"there is no back end {name!r}; there are {', '.join(BACKENDS)}")
    return BACKENDS[name]


def _find_python(backend: Backend) -> Path:
    """Give the oldest Python that will do: heavy programs have wheels for it longest."""
    (major, low), (_, high) = backend.pythons
    names = [shutil.which(f"python{major}.{minor}") for minor in range(low, high + 1)]
    for found in [*names, sys.executable]:
        if found:
            try:
                return _check_python(backend, Path(found))
            except BackendError:
                continue
    raise BackendError(
        f"{backend.name} needs a Python from {_text(backend.pythons[0])} to "
        f"{_text(backend.pythons[1])} that can make virtual environments; name one with --python"
    )


def _check_python(backend: Backend, python: Path) -> Path:
    code, said = _ask([str(python), "-E", "-s", "-c", ASK_PYTHON], python)
    if code:
        raise BackendError(f"{python}: {said}")
    version = tuple(json.loads(said))
    if not backend.pythons[0] <= version <= backend.pythons[1]:
        raise BackendError(
            f"{python} is Python {_text(version)}; {backend.name} {backend.version} is locked for "
            f"{_text(backend.pythons[0])} to {_text(backend.pythons[1])}"
        )
    return python


def _ask(command: list[str], python: Path) -> tuple[int, str]:
    """Give the exit code of a short program and its last line."""
    try:
        ran = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=300,
            env=surroundings(python),
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return 1, "it gave no answer within 300 s"
    except OSError as error:
        return 1, f"it cannot be run: {error.strerror}"
    text = ran.stderr if ran.returncode else ran.stdout
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return ran.returncode, lines[-1] if lines else f"it ended with code {ran.returncode}"


def _run(command: list[str], say: Say) -> None:
    """Run what may take long, and say each thing that it says it does."""
    last: list[str] = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
    ) as child:
        assert child.stdout is not None
        try:
            for line in map(str.strip, child.stdout):
                if line and not line.startswith("WARNING: Location"):
                    last = [*last[-5:], line]
                    if line.split(" ")[0] in TOLD:
                        say(line[:100])
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        errors = [line for line in last if line.startswith("ERROR")] or last or ["it said nothing"]
        raise BackendError(f"{' '.join(command[1:4])} failed: {errors[0]}")


@contextmanager
def afresh(home: Path) -> Generator[None]:
    """Begin with an empty folder; if what follows fails, there is again what was there before."""
    before = home.with_name(f"{home.name}-before")
    with alone(home):
        try:
            if before.exists():
                # Somebody pulled the plug while it was made anew.
                shutil.rmtree(home, ignore_errors=True)
            elif home.exists():
                home.rename(before)
            home.mkdir(parents=True)
        except OSError as error:
            raise BackendError(f"{home} cannot be made: {error.strerror}") from error
        try:
            yield
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            if before.exists():
                before.rename(home)
            raise
        shutil.rmtree(before, ignore_errors=True)


@contextmanager
def alone(home: Path) -> Generator[None]:
    """Keep others from making or removing the same environment meanwhile."""
    other = BackendError(f"{home.name} is being set up by another process; wait until it has ended")
    try:
        with held(home.with_name(f"{home.name}-setup"), other):
            yield
    except RecordingError as error:
        raise BackendError(str(error)) from error


def _remember(home: Path, found: Installed) -> None:
    said = {"python": str(found.python), "version": found.version}
    (home / "ready.json").write_text(json.dumps(said) + "\n", "utf-8")


def _try(found: Installed, work: Path) -> None:
    """Extract the cells of a tiny movie; the work folder stays if that fails."""
    parameters = ExtractionParameters(gSig=(3, 3), gSiz=(13, 13), rf=None, min_corr=0.5, min_pnr=3)
    extract(tiny_movie(), parameters, found, work, frame_rate_hz=20.0)
    shutil.rmtree(work)


def _trial(home: Path) -> Path:
    return home.with_name(f"{home.name}-trial")


def tiny_movie() -> NDArray[np.uint8]:
    """Give 400 frames of 64 x 64 in which four cells flash."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[:64, :64]
    movie = random.normal(20, 2, (400, 64, 64))
    for row, column in ((16, 16), (16, 48), (48, 16), (48, 48)):
        shape = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 18)
        flashes = (random.random(400) < 0.02) * random.uniform(20, 60, 400)
        light = np.convolve(flashes, np.exp(-np.arange(60) / 8))[:400]
        movie += light[:, None, None] * shape
    return np.clip(movie, 0, 255).astype(np.uint8)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
