"""Steps that were done and need not be done again: what each was made of is kept beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import xxhash

from syntalos_miniscope.analysis.rois import Rois
from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.containment import inside
from syntalos_miniscope.recording.partial import partial_of
from syntalos_miniscope.recording.recorded import Recording

FILE = "steps.json"
FORMAT = 2
"""Of the files that steps leave; another one makes them anew."""
FIRST, LAST = "recording", "results"
"""The steps with which an analysis begins, and is whole."""


class Steps:
    """The steps of an analysis in a folder, each with a stamp of all that it was made of.

    A step is done if its stamp is the same and its files are there; a step whose stamp has
    changed makes those after it anew, since their stamps hold its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._done = _read(folder / FILE)

    def has(self, step: str, stamp: str) -> bool:
        """Whether a step is done as its stamp says."""
        record = self._done.get(step, {})
        files = record.get("files", [])
        return record.get("stamp") == stamp and all((self.folder / f).exists() for f in files)

    def refuse_others(self, recording: str) -> None:
        """RecordingError if the folder holds what is not of a recording, by its stamp."""
        there = self.folder.is_dir() and any(self.folder.iterdir())
        if there and self._done.get(FIRST, {}).get("stamp") != recording:
            what = "the analysis of another recording" if self._done else "files of something else"
            raise RecordingError(
                f"{self.folder} holds {what}, and nothing is overwritten; move it away, or write "
                f"elsewhere"
            )

    def claim(self, recording: str) -> None:
        """Make the folder, and make it one of a recording, by its stamp."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(self.folder, error) from error
        self.finish(FIRST, recording)

    @property
    def whole(self) -> bool:
        """Whether an analysis came to its end here."""
        return bool(self._done.get(LAST, {}).get("stamp"))

    def told(self, step: str, stamp: str) -> Any:
        """Give what a person answered in a step; None if nobody was asked."""
        return self._done.get(step, {}).get("told") if self.has(step, stamp) else None

    def begin(self, step: str) -> None:
        """Note that a step's files are being written anew, and are nobody's until it is done."""
        if step in self._done:
            self._done[step]["stamp"] = ""
            self._write()

    def finish(self, step: str, stamp: str, files: Iterable[str] = (), told: Any = None) -> None:
        """Note that a step is done, which files of the folder it left, and what a person said.

        Files that it left before, and does not leave now, are deleted.
        """
        names = list(files)
        for old in self._done.get(step, {}).get("files", []):
            if old not in names:
                inside(self.folder, str(old), self.folder / FILE).unlink(missing_ok=True)
        self._done[step] = {"stamp": stamp, "files": names, "told": told}
        self._write()

    def _write(self) -> None:
        write_text(self.folder / FILE, json.dumps(self._done, indent=1) + "\n")


def stamp(*made_of: Any) -> str:
    """Give a short text that is another if anything it is made of is another."""
    text = json.dumps(
        [version("syntalos-miniscope"), FORMAT, *made_of], sort_keys=True, default=str
    )
    return xxhash.xxh64_hexdigest(text.encode())


def recording_stamp(recording: Recording) -> str:
    """Give the stamp of a recording, by its times and its first frame; wherever it lies."""
    digest = xxhash.xxh64(recording.time_us.tobytes())
    digest.update(recording.index.tobytes())
    for frame in recording.frames():
        digest.update(frame.mat.tobytes())
        break
    return digest.hexdigest()


def rois_stamp(rois: Rois) -> str:
    """Give the stamp of regions, by their places and weights."""
    digest = xxhash.xxh64(rois.footprints.data.tobytes())
    digest.update(rois.footprints.offsets.tobytes())
    digest.update(rois.footprints.shapes.tobytes())
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a file that is there only once it is whole. RecordingError when the disk refuses."""
    partial = partial_of(path)
    try:
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    steps = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {name: record for name, record in steps.items() if isinstance(record, dict)}
