"""Time files (`.tsync`): pairs of times or counts, in blocks that are sealed with a checksum.

Read are those of Syntalos 3.1 and later, those of Syntalos 1 and 2, whose header checksum leaves
out the lengths of strings, and those of 3.0, which kept the old magic number but counted them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64

from syntalos_miniscope.recording import RecordingError

MAGIC = 0xB28FE2434E53548A
MAGIC_OLD = 0x00F223434E5953548A
TERMINATOR = 0x9198E2
TERMINATOR_OLD = 0x1126000000000000
NO_STRING = 0xFFFFFFFF
SEAL_BYTES = 16


class Mode(IntEnum):
    """What the entries are: every time there was, or only points at which clocks were compared."""

    CONTINUOUS = 0
    SYNCPOINTS = 1


class Unit(IntEnum):
    """What a column counts."""

    INDEX = 0
    NANOSECONDS = 1
    MICROSECONDS = 2
    MILLISECONDS = 3
    SECONDS = 4


class Kind(IntEnum):
    """The integer type in which a column is stored."""

    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8


LETTERS = {
    Kind.INT16: "h",
    Kind.INT32: "i",
    Kind.INT64: "q",
    Kind.UINT16: "H",
    Kind.UINT32: "I",
    Kind.UINT64: "Q",
}
"""How `struct` and numpy call the types."""
_MICROSECONDS = {Unit.MICROSECONDS: 1, Unit.MILLISECONDS: 1000, Unit.SECONDS: 1_000_000}


@dataclass(frozen=True, slots=True)
class Column:
    """One of the two columns: its label, what it counts and how it is stored."""

    label: str
    unit: Unit
    kind: Kind


FRAME_COLUMNS = (
    Column("frame-no", Unit.INDEX, Kind.UINT32),
    Column("master-time", Unit.MICROSECONDS, Kind.UINT64),
)
"""The columns of a time file that goes with a video."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeFile:
    """What a time file says.

    `entries` is int64 (n, 2), in the units of `columns`. `damage` says in sentences what was not
    as it should be; an entry of a block that fails its checksum is still given.
    """

    entries: NDArray[np.int64]
    columns: tuple[Column, Column]
    mode: Mode
    module: str
    collection_id: str
    created_s: int
    user: Mapping[str, Any]
    damage: tuple[str, ...]

    def times_us(self, column: int = 1) -> NDArray[np.int64]:
        """Give one column in microseconds; RecordingError if it holds no times."""
        unit = self.columns[column].unit
        if unit is Unit.NANOSECONDS:
            return self.entries[:, column] // 1000
        if unit not in _MICROSECONDS:
            raise RecordingError(f"column {self.columns[column].label!r} holds counts, not times")
        return self.entries[:, column] * _MICROSECONDS[unit]


class _Header:
    """Reads the fields of a header and hashes them with and without the lengths of strings."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 8
        self.hash = xxh3_64()
        self.hash_without_lengths = xxh3_64()

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise ValueError("its header is cut short")
        part = self.data[self.at : self.at + count]
        self.at += count
        self.hash.update(part)
        return part

    def field(self, layout: str) -> int:
        part = self.take(struct.calcsize(layout))
        self.hash_without_lengths.update(part)
        return int(struct.unpack(layout, part)[0])

    def text(self) -> str:
        length = int(struct.unpack("<I", self.take(4))[0])
        if length == NO_STRING:
            return ""
        part = self.take(length)
        self.hash_without_lengths.update(part)
        return part.decode("utf-8")

    def column(self) -> Column:
        return Column(self.text(), Unit(self.field("<H")), Kind(self.field("<H")))

    def seal(self, old: bool) -> None:
        padding = self.take(-self.at % 8)
        self.hash_without_lengths.update(padding)
        good = {self.hash.intdigest(), self.hash_without_lengths.intdigest() if old else None}
        terminator, digest = struct.unpack("<QQ", self.take(SEAL_BYTES))
        if terminator != (TERMINATOR_OLD if old else TERMINATOR) or digest not in good:
            raise ValueError("its header fails its checksum")


def read_tsync(path: Path) -> TimeFile:
    """Read a time file of any version from 1.2 on.

    RecordingError if there is no such file or its header is not sound. Whatever entries follow a
    sound header are given, also those after the last sealed block of a file that was cut.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    try:
        return _parse(data)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{path} is not a sound tsync file: {error}") from error


def _parse(data: bytes) -> TimeFile:
    if len(data) < 8:
        raise ValueError("it is shorter than its magic number")
    magic = int.from_bytes(data[:8], "little")
    if magic not in (MAGIC, MAGIC_OLD):
        raise ValueError("it does not begin as one")
    old = magic == MAGIC_OLD
    header = _Header(data)
    version = header.field("<H"), header.field("<H")
    if version != (1, 2):
        raise ValueError(f"it has version {version[0]}.{version[1]}, and 1.2 is what can be read")
    created_s = header.field("<q")
    module, collection_id, user_text = header.text(), header.text(), header.text()
    mode, block_entries = Mode(header.field("<H")), header.field("<i")
    columns = header.column(), header.column()
    header.seal(old)
    if block_entries < 1:
        raise ValueError(f"its blocks have {block_entries} entries")
    user = json.loads(user_text or "{}")
    if not isinstance(user, dict):
        raise ValueError("its user data is not a JSON object")
    body = data[header.at :]
    entries, damage = _entries(body, columns, block_entries, TERMINATOR_OLD if old else TERMINATOR)
    return TimeFile(
        entries,
        columns,
        mode,
        module,
        collection_id,
        created_s,
        cast("dict[str, Any]", user),
        tuple(damage),
    )


def _entries(
    body: bytes, columns: tuple[Column, Column], block_entries: int, terminator: int
) -> tuple[NDArray[np.int64], list[str]]:
    layout = np.dtype(
        [(name, "<" + LETTERS[c.kind]) for name, c in zip("ab", columns, strict=True)]
    )
    block_bytes = layout.itemsize * block_entries + SEAL_BYTES
    mark = terminator.to_bytes(8, "little")
    parts: list[bytes] = []
    damage: list[str] = []
    for number, begin in enumerate(range(0, len(body), block_bytes)):
        block = body[begin : begin + block_bytes]
        content, seal = block[: -SEAL_BYTES or None], block[-SEAL_BYTES:]
        sealed = len(block) > SEAL_BYTES and seal[:8] == mark
        if sealed and len(content) % layout.itemsize == 0:
            if seal[8:] != xxh3_64(content).intdigest().to_bytes(8, "little"):
                damage.append(f"block {number} of times fails its checksum")
        elif len(block) == block_bytes:
            damage.append(f"block {number} of times has no end mark")
        else:
            whole = block.rfind(mark)
            content = block if whole < 0 or whole % layout.itemsize else block[:whole]
            content = content[: len(content) // layout.itemsize * layout.itemsize]
            damage.append(
                f"the time file was cut: its last {len(content) // layout.itemsize} times have "
                f"no checksum"
            )
        parts.append(content)
    table = np.frombuffer(b"".join(parts), layout)
    entries = np.empty((len(table), 2), np.int64)
    # A uint64 above the range of int64 is damage; it wraps to a negative time, which readers see.
    entries[:, 0] = table["a"].astype(np.int64, casting="unsafe")
    entries[:, 1] = table["b"].astype(np.int64, casting="unsafe")
    return entries, damage
