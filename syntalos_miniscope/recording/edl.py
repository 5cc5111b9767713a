"""Writes an experiment directory (EDL) as Syntalos does: folders that say what is in them."""

from __future__ import annotations

import platform
import re
import shutil
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tomli_w

from syntalos_miniscope.recording import RecordingError, disk_error
from syntalos_miniscope.recording.partial import write_whole
from syntalos_miniscope.recording.tables import TableWriter

FORMAT_VERSION = "1"
NOTES_HEADER = ("Time [ms]", "Note")
GENERATOR = f"syntalos-miniscope {version('syntalos-miniscope')}"

MEDIA_TYPES = {
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".mp4": "video/mp4",
    ".csv": "text/csv",
    ".json": "application/json",
}
"""Files of any other ending are named by the ending, as `file_type`."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_NAME_BYTES = 120


def safe_name(name: str, otherwise: str = "unnamed") -> str:
    """Give a name that any file system takes as one folder; letters of all scripts are kept."""
    text = unicodedata.normalize("NFC", name)
    text = "".join("_" if unicodedata.category(c) in ("Cc", "Cs", "Cn") else c for c in text)
    text = re.sub(r'[/\\:*?"<>|]', "_", text).strip(" .")
    if _RESERVED.fullmatch(text):
        text += "_"
    text = text.encode("utf-8")[:_NAME_BYTES].decode("utf-8", errors="ignore").rstrip(" .")
    return text or otherwise


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder, with `_2`, `_3` … after its name if that is taken."""
    attempt = 1
    while True:
        path = parent / (name if attempt == 1 else f"{name}_{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            attempt += 1
            continue
        return path


class ExperimentDir:
    """The folder of one run: `<export>/<subject>/<YYYY-MM-DD>/<experiment>/`.

    Readable from the moment it is made: manifests are written when a file is claimed, so a run
    that is killed leaves a tree that says `success = false`. All methods raise RecordingError
    when the disk refuses.
    """

    def __init__(self, path: Path, started: datetime, subject: str) -> None:
        self.path = path
        self.started = started
        self.collection_id = str(uuid.uuid4())
        self._attributes: dict[str, Any] = {
            "machine_node": f"{platform.node()} [{platform.system()} {platform.release()}]",
            "subject_id": subject,
            "success": False,
        }
        self._groups: dict[str, Path] = {}
        self._notes: TableWriter | None = None
        self._save(path, "collection", generator=GENERATOR)
        self._save_attributes()

    @classmethod
    def create(
        cls, export_dir: Path, subject: str, experiment: str, *, started: datetime | None = None
    ) -> ExperimentDir:
        """Make the folder of a run; a name that is taken gets `_2`, nothing is overwritten."""
        started = (started or datetime.now()).astimezone()
        day = export_dir / safe_name(subject, "subject") / started.strftime("%Y-%m-%d")
        try:
            day.mkdir(parents=True, exist_ok=True)
            path = new_folder(day, safe_name(experiment, "experiment"))
        except OSError as error:
            raise RecordingError(
                f"cannot record in {export_dir}: {error.strerror}; "
                f"choose an export folder that can be written"
            ) from error
        return cls(path, started, subject)

    def dataset(self, name: str) -> DatasetFolder:
        """Make a dataset, `name` or `group/name`; a name that is taken gets `_2`."""
        *groups, last = [safe_name(part) for part in name.split("/") if part] or ["unnamed"]
        parent = self.path
        try:
            for group in groups:
                parent = self._group(parent, group)
            folder = new_folder(parent, last)
        except OSError as error:
            raise disk_error(parent / last, error) from error
        return DatasetFolder(folder, collection_id=self.collection_id, created=self.started)

    def keep(self, name: str, text: str) -> Path:
        """Keep a file that belongs to the run as a whole, such as its project or its report."""
        path = self.path / safe_name(name)
        try:
            write_whole(path, text.encode("utf-8"))
        except OSError as error:
            raise disk_error(path, error) from error
        return path

    def mark(self, time_us: int, text: str) -> None:
        """Keep a person's note with its time, at once, in the table `notes`."""
        if self._notes is None:
            path = self.dataset("notes").data_file("notes.csv")
            self._notes = TableWriter(path, NOTES_HEADER)
        self._notes.add((f"{time_us / 1000:.3f}", text))

    def finish(
        self,
        *,
        success: bool,
        length_ms: float,
        modules: Iterable[Mapping[str, str]] = (),
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how the run ended; `modules` are the boxes, each with `id` and `name`."""
        if self._notes is not None:
            self._notes.close()
        self._attributes |= {"success": success, "recording_length_msec": float(length_ms)}
        self._attributes |= dict(attributes or {})
        self._attributes["modules"] = [dict(module) for module in modules]
        self._save_attributes()

    def discard(self) -> None:
        """Remove the folder again: for a run that was refused before it began."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _group(self, parent: Path, name: str) -> Path:
        key = str(parent / name)
        if key not in self._groups:
            self._groups[key] = new_folder(parent, name)
            self._save(self._groups[key], "group")
        return self._groups[key]

    def _save(self, folder: Path, kind: str, **more: str) -> None:
        manifest = _manifest(kind, self.collection_id, self.started)
        save_toml(folder / "manifest.toml", manifest | more)

    def _save_attributes(self) -> None:
        save_toml(self.path / "attributes.toml", self._attributes)


def save_toml(path: Path, values: Mapping[str, Any]) -> None:
    """Write a TOML file whole; RecordingError if the disk refuses."""
    try:
        write_whole(path, tomli_w.dumps(values).encode("utf-8"))
    except OSError as error:
        raise disk_error(path, error) from error


class DatasetFolder:
    """One dataset: its data, what goes with it, and its attributes; a run's, or by itself."""

    def __init__(
        self, path: Path, *, collection_id: str | None = None, created: datetime | None = None
    ) -> None:
        self.path = path
        self.collection_id = collection_id or str(uuid.uuid4())
        self._created = created or datetime.now().astimezone()
        self._data: list[str] = []
        self._aux: list[str] = []
        self._attributes: dict[str, Any] = {}
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(path, error) from error
        self._save()

    def data_file(self, name: str) -> Path:
        """Claim a file of the data proper and give its path; parts keep the order of the calls."""
        return self._claim(self._data, name)

    def aux_file(self, name: str) -> Path:
        """Claim a file that goes with the data, such as its times, and give its path."""
        return self._claim(self._aux, name)

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Add to the dataset's attributes; values are what TOML can hold."""
        self._attributes |= dict(attributes)
        save_toml(self.path / "attributes.toml", self._attributes)

    def _claim(self, files: list[str], name: str) -> Path:
        wanted = Path(safe_name(name, "data"))
        name, attempt = wanted.name, 1
        while name in self._data or name in self._aux:
            attempt += 1
            name = f"{wanted.stem}_{attempt}{wanted.suffix}"
        files.append(name)
        self._save()
        return self.path / name

    def _save(self) -> None:
        manifest = _manifest("dataset", self.collection_id, self._created)
        if self._data:
            manifest["data"] = _described(self._data)
        endings = dict.fromkeys(Path(name).suffix for name in self._aux)
        if endings:
            manifest["data_aux"] = [
                _described([name for name in self._aux if Path(name).suffix == ending])
                for ending in endings
            ]
        save_toml(self.path / "manifest.toml", manifest)


def _manifest(kind: str, collection_id: str, created: datetime) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "type": kind,
        "collection_id": collection_id,
        "time_created": created,
    }


def _described(names: list[str]) -> dict[str, Any]:
    suffix = Path(names[0]).suffix.lower()
    media_type = MEDIA_TYPES.get(suffix)
    what = {"media_type": media_type} if media_type else {"file_type": suffix.removeprefix(".")}
    return what | {"parts": [{"fname": name, "index": i} for i, name in enumerate(names)]}
