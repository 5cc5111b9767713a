"""Writes time files (`.tsync`), version 1.2 with the magic number of Syntalos 3.1 and later."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from xxhash import xxh3_64

from syntalos_miniscope.recording import disk_error
from syntalos_miniscope.recording.tsync import (
    FRAME_COLUMNS,
    LETTERS,
    MAGIC,
    TERMINATOR,
    Column,
    Mode,
)

BLOCK_ENTRIES = 2800


class TimeFileWriter:
    """Writes a time file entry by entry, so that each is on disk when `add` returns.

    RecordingError if the disk refuses. `close` seals the last block and may be called twice.
    """

    def __init__(
        self,
        path: Path,
        *,
        module: str,
        collection_id: str,
        created_s: int,
        columns: tuple[Column, Column] = FRAME_COLUMNS,
        mode: Mode = Mode.CONTINUOUS,
        user: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = path
        self._entry = struct.Struct("<" + "".join(LETTERS[column.kind] for column in columns))
        self._count = 0
        self._hash = xxh3_64()
        try:
            self._file = path.open("xb", buffering=0)
            self._write(_header(module, collection_id, created_s, columns, mode, user or {}))
        except OSError as error:
            raise disk_error(path, error) from error

    def add(self, first: int, second: int) -> None:
        """Write one entry; ValueError if a value does not fit its column."""
        try:
            entry = self._entry.pack(first, second)
        except struct.error as error:
            raise ValueError(f"({first}, {second}) does not fit the columns: {error}") from error
        self._write(entry)
        self._hash.update(entry)
        self._count += 1
        if self._count % BLOCK_ENTRIES == 0:
            self._seal()

    def close(self) -> None:
        """Seal what is written and close the file."""
        if self._file.closed:
            return
        try:
            if self._count % BLOCK_ENTRIES:
                self._seal()
        finally:
            self._file.close()

    def __enter__(self) -> TimeFileWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _seal(self) -> None:
        self._write(struct.pack("<QQ", TERMINATOR, self._hash.intdigest()))
        self._hash.reset()

    def _write(self, data: bytes) -> None:
        try:
            # A disk that is nearly full takes a part and refuses the rest.
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise disk_error(self.path, error) from error


def _header(
    module: str,
    collection_id: str,
    created_s: int,
    columns: tuple[Column, Column],
    mode: Mode,
    user: Mapping[str, Any],
) -> bytes:
    def text(value: str) -> bytes:
        raw = value.encode("utf-8")
        return struct.pack("<I", len(raw)) + raw

    body = struct.pack("<HHq", 1, 2, created_s)
    body += text(module) + text(collection_id) + text(json.dumps(dict(user)))
    body += struct.pack("<Hi", mode, BLOCK_ENTRIES)
    for column in columns:
        body += text(column.label) + struct.pack("<HH", column.unit, column.kind)
    body += bytes(-len(body) % 8)
    return (
        struct.pack("<Q", MAGIC) + body + struct.pack("<QQ", TERMINATOR, xxh3_64(body).intdigest())
    )
