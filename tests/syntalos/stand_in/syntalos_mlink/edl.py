"""Datasets of a run: names are taken once, and what is claimed must be there after the stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .data import SyntalosPyError


class EdlDataset:
    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True)
        self.path, self.name = path, path.name
        self._data: str | None = None
        self._aux: list[str] = []
        self._attributes: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        return self._data is None

    def set_data_file(self, file_name: str, summary: str = "", scan: bool = False) -> Path:
        self._data = file_name
        return self.path / file_name

    def add_aux_file(
        self, file_name: str, key: str = "", summary: str = "", scan: bool = False
    ) -> Path:
        self._aux.append(file_name)
        return self.path / file_name

    def set_attribute(self, key: str, value: Any) -> None:
        if type(value) not in (bool, int, float, str, list, dict, type(None)):
            raise TypeError(f"incompatible function arguments: {value!r}")
        self._attributes[key] = value

    def save(self) -> None:
        files = [*([self._data] if self._data else []), *self._aux]
        missing = [name for name in files if not (self.path / name).exists()]
        about = {"files": files, "missing": missing, "attributes": self._attributes}
        (self.path / "manifest.json").write_text(json.dumps(about))


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
