"""Datasets of a run: names are taken once, and what is claimed must be there after the stop."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli_w

from .data import MetaSize, SyntalosPyError

RUN_UUID = b"\x01" * 16


def ensure_value(value: Any) -> None:
    """Refuse what is no value of metadata or of an attribute, however deep; numpy's are none."""
    if isinstance(value, dict):
        for part in value.values():
            ensure_value(part)
    elif isinstance(value, list):
        for part in value:
            ensure_value(part)
    elif type(value) not in (bool, int, float, str, type(None), MetaSize):
        raise TypeError(f"incompatible function arguments: {value!r}")


class EdlDataset:
    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True)
        self.path, self.name = path, path.name
        self._data: str | None = None
        self._aux: list[str] = []
        self._attributes: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        return self._data is None and not self._aux

    def set_data_file(self, file_name: str, summary: str = "", scan: bool = False) -> Path:
        self._data = Path(file_name).name
        return self.path / self._data

    def add_aux_file(
        self, file_name: str, key: str = "", summary: str = "", scan: bool = False
    ) -> Path:
        self._aux.append(Path(file_name).name)
        return self.path / self._aux[-1]

    def set_attribute(self, key: str, value: Any) -> None:
        ensure_value(value)
        self._attributes[key] = value

    def save(self) -> None:
        """Write the manifest, and for the tests what was there when it was written."""
        files = [*([self._data] if self._data else []), *self._aux]
        missing = [name for name in files if not (self.path / name).exists()]
        about = {"files": files, "missing": missing, "attributes": self._attributes}
        (self.path / "saved.json").write_text(json.dumps(about))
        manifest = _manifest("dataset")
        if self._data:
            manifest["data"] = _described(self._data)
        if self._aux:
            manifest["data_aux"] = [_described(name) for name in self._aux]
        _write(self.path / "manifest.toml", manifest)
        if self._attributes:
            _write(self.path / "attributes.toml", self._attributes)


class EdlGroup:
    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self._datasets: dict[str, EdlDataset] = {}

    def create_dataset(self, name: str) -> EdlDataset:
        if name in self._datasets or "/" in name:
            raise SyntalosPyError(f"dataset '{name}' was already in use, or has a bad name")
        self._datasets[name] = EdlDataset(self.path / name)
        return self._datasets[name]

    def save(self) -> None:
        for dataset in self._datasets.values():
            dataset.save()
        if self._datasets:
            _write(self.path / "manifest.toml", _manifest("collection"))


def _manifest(kind: str) -> dict[str, Any]:
    now = datetime.now().astimezone().replace(microsecond=0)
    return {
        "format_version": "1", "type": kind, "time_created": now, "collection_id": RUN_UUID.hex(),
    }  # fmt: skip


def _described(name: str) -> dict[str, Any]:
    types = {"csv": "text/csv", "json": "application/json"}
    ending = name.rpartition(".")[2]
    told = {"media_type": types[ending]} if ending in types else {}
    return {"file_type": ending, **told, "parts": [{"fname": name}]}


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_bytes(tomli_w.dumps(document).encode())
