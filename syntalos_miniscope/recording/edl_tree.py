"""An experiment directory (EDL) as a tree of units, of Syntalos or ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from syntalos_miniscope.recording import RecordingError
from syntalos_miniscope.recording.containment import inside
from syntalos_miniscope.toml import parse_toml

_VIDEO_ENDINGS = (".mkv", ".avi", ".mp4", ".mov", ".webm")


@dataclass(frozen=True, slots=True)
class EdlUnit:
    """A folder with a manifest: a collection, a group or a dataset."""

    path: Path
    manifest: Mapping[str, Any]
    attributes: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What it is: collection, group or dataset."""
        return str(self.manifest.get("type", ""))

    def data(self) -> list[Path]:
        """Give the files of the data proper, in order; they need not exist."""
        return self._files(self.manifest.get("data"))

    def aux(self) -> list[Path]:
        """Give the files that go with the data, in order."""
        blocks = self.manifest.get("data_aux", [])
        return [
            path
            for block in (blocks if isinstance(blocks, list) else [blocks])
            for path in self._files(block)
        ]

    def is_video(self) -> bool:
        """Whether the data is a video."""
        return any(path.suffix.lower() in _VIDEO_ENDINGS for path in self.data())

    def tables(self) -> list[Path]:
        """Give the tables among data and aux that exist."""
        files = [*self.data(), *self.aux()]
        return [path for path in files if path.suffix.lower() == ".csv" and path.is_file()]

    def units(self) -> Iterator[EdlUnit]:
        """Give this unit and all below it, sorted by name."""
        yield self
        if self.kind != "dataset":
            for folder in sorted(self.path.iterdir()):
                # A link to a folder could lead round in a circle.
                if not folder.is_symlink() and (folder / "manifest.toml").is_file():
                    yield from open_unit(folder).units()

    def _files(self, block: object) -> list[Path]:
        parts = cast("Mapping[str, Any]", block).get("parts", []) if isinstance(block, dict) else []
        if not isinstance(parts, list) or not all(
            isinstance(part, dict)
            and isinstance(part.get("fname"), str)
            and isinstance(part.get("index", -1), int)
            for part in parts
        ):
            raise RecordingError(
                f"{self.path / 'manifest.toml'}: a part of data is not a file name"
            )
        # A part without an index comes first, as edlio sorts them.
        ordered = sorted(parts, key=lambda part: part.get("index", -1))
        manifest = self.path / "manifest.toml"
        return [inside(self.path, part["fname"], manifest) for part in ordered]


def open_unit(path: Path) -> EdlUnit:
    """Read the manifest and the attributes of a folder; RecordingError if they are not sound."""
    manifest = _toml(path / "manifest.toml")
    if str(manifest.get("format_version")) != "1":
        raise RecordingError(
            f"{path / 'manifest.toml'} has format version {manifest.get('format_version')!r}; "
            f"1 is what can be read"
        )
    attributes = path / "attributes.toml"
    return EdlUnit(path, manifest, _toml(attributes) if attributes.is_file() else {})


def _toml(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(path.read_text("utf-8"))
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RecordingError(f"{path} is not sound TOML: {error}") from error


def root_of(unit: EdlUnit) -> EdlUnit:
    """Give the unit that is above all others of a tree."""
    root = unit
    while (root.path.parent / "manifest.toml").is_file():
        root = open_unit(root.path.parent)
    return root


def truth_of(path: Path) -> Path | None:
    """Give the zarr with the truth that lies in the run of a video; None if there is none."""
    if not (path / "manifest.toml").is_file():
        return path if (path / "ground_truth").is_dir() else None
    stores = [file for unit in root_of(open_unit(path)).units() for file in unit.data()]
    truths = [store for store in stores if (store / "ground_truth").is_dir()]
    return truths[0] if len(truths) == 1 else None
