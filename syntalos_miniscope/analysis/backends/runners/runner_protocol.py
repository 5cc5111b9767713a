"""The child's side of the file protocol; see docs/reference/backends.md.

Runs under the back end's own Python and needs numpy alone; a runner gives `serve` its jobs. It may
be copied beside a runner of your own.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1

Tell = Callable[[str, "float | None"], None]
Job = Callable[["np.ndarray[Any, Any]", "dict[str, Any]", Path, Tell], "dict[str, Any]"]
"""Takes the movie (frame, H, W), the request, the work folder and whom to tell; gives arrays."""


def serve(version: Callable[[], str], jobs: dict[str, Job]) -> None:
    """Do what `request.json` in the folder of the first argument asks, and exit."""
    work = Path(sys.argv[1])
    _die_with_parent()
    try:
        request = json.loads((work / "request.json").read_text("utf-8"))
        if request["format"] != FORMAT:
            raise ValueError(f"the request has format {request['format']}, this knows {FORMAT}")
        movie = np.load(request["movie"], mmap_mode="r")
        with open(work / "progress.jsonl", "a", encoding="utf-8") as progress:

            def tell(stage: str, share: float | None = None) -> None:
                progress.write(json.dumps({"stage": stage, "share": share}) + "\n")
                progress.flush()

            tell("loading the program", None)
            answered = version()
            arrays = jobs[request["what"]](movie, request, work, tell)
        np.savez(work / "result.npz", **arrays)
        finished = {"stamp": request["stamp"], "version": answered, **_spent()}
        _write(work / "result.json", finished)
    except MemoryError:
        traceback.print_exc()
        _write(work / "error.json", {"error": "memory ran out", **_spent()})
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent is told
        traceback.print_exc()
        said = " ".join(str(error).split()) or "it did not say what"
        _write(work / "error.json", {"error": f"{type(error).__name__}: {said}", **_spent()})
        sys.exit(1)


def _spent() -> dict[str, float]:
    spent = os.times()
    found = {"cpu_s": spent.user + spent.system + spent.children_user + spent.children_system}
    try:
        import resource
    except ImportError:  # not on Windows
        return found
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, -1)]
    kilo = 1024 if sys.platform == "darwin" else 1
    return {**found, "peak_mb": peaks[0] / kilo / 1000, "peak_worker_mb": peaks[1] / kilo / 1000}


def _write(path: Path, what: dict[str, Any]) -> None:
    """Write a file that is whole as soon as it is there."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(what), "utf-8")
    os.replace(part, path)


def _die_with_parent() -> None:
    """End with everything that was started here when the parent has gone, which closes stdin."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
