"""Whether a video file is whole: what its container says about its length, against the file's."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"


def what_was_cut(path: Path) -> str | None:
    """Give a sentence if a Matroska or AVI file was cut or never closed, else None.

    Sources: RFC 8794 (EBML), RFC 9559 (Matroska), OpenDML AVI 1.02 (chained RIFF lists).
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        start = file.read(4)
        if start == _EBML:
            end = _matroska_end(file)
        elif start == b"RIFF":
            end = _avi_end(file, size)
        else:
            return None
    if end is None:
        return f"{path.name} was never closed: the program that wrote it was stopped"
    if end > size:
        return f"{path.name} was cut: {size} of {end} bytes are there"
    return None


def _matroska_end(file: BinaryIO) -> int | None:
    header = _ebml_size(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    segment = _ebml_size(file)
    return None if segment is None else file.tell() + segment


def _ebml_size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    bits = 7 * length
    value = int.from_bytes(first + rest, "big") & ((1 << bits) - 1)
    # All ones stand for a length that was not known yet.
    return None if len(rest) < length - 1 or value == (1 << bits) - 1 else value


def _avi_end(file: BinaryIO, size: int) -> int | None:
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(8)
        if len(head) < 8 or head[:4] != b"RIFF":
            # Some writers pad the end; what follows the last list is no part of the video.
            return end
        length = int.from_bytes(head[4:], "little")
        if length == 0:
            return None
        end += 8 + length + length % 2
    return end - 1 if end == size + 1 else end
