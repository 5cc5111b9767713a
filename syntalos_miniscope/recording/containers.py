"""What the container of a video says about itself, read without its pictures.

Sources: RFC 8794 (EBML), RFC 9559 (Matroska), OpenDML AVI 1.02 (chained RIFF lists).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT, _INFO, _SCALE = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x2AD7B1
_CLUSTER, _CLUSTER_TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
_LACED = 0x06


def what_was_cut(path: Path) -> str | None:
    """Give a sentence if a Matroska or AVI file was cut or never closed, else None."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        start = file.read(4)
        file.seek(0)
        if start == b"\x1a\x45\xdf\xa3":
            end = _segment_end(file)
        elif start == b"RIFF":
            end = _avi_end(file, size)
        else:
            return None
    if end is None:
        return f"{path.name} was never closed: the program that wrote it was stopped"
    if end > size:
        return f"{path.name} was cut: {size} of {end} bytes are there"
    return None


def matroska_times_us(path: Path) -> list[int] | None:
    """Give the times of all blocks, in the order of the file, by going from header to header.

    None if the file has more than one track or anything else that is not simple.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            _segment_end(file)
            return _block_times(file, size)
        except (EOFError, ValueError):
            return None


def _block_times(file: BinaryIO, size: int) -> list[int]:
    times: list[int] = []
    scale_ns, cluster, tracks = 1_000_000, 0, set[int]()
    while file.tell() < size:
        try:
            element, length = _element(file)
        except EOFError:
            break
        begin = file.tell()
        # What holds others is entered, so a length that was not known yet does no harm.
        if element in (_CLUSTER, _INFO, _GROUP):
            continue
        if length is None:
            raise ValueError(f"an element of unknown length, {element:x}")
        if element == _SCALE:
            scale_ns = _number(file, length)
        elif element == _CLUSTER_TIME:
            cluster = _number(file, length)
        elif element in (_SIMPLE_BLOCK, _BLOCK) and begin + length <= size:
            track = _size(file)
            head = file.read(3)
            if track is None or len(head) < 3 or head[2] & _LACED or len(tracks | {track}) > 1:
                raise ValueError("not a single track of plain blocks")
            tracks.add(track)
            ticks = cluster + int.from_bytes(head[:2], "big", signed=True)
            times.append(ticks * scale_ns // 1000)
        file.seek(begin + length)
    return times


def _segment_end(file: BinaryIO) -> int | None:
    """Go into the segment and give its end; None if it was not known yet, or there is none."""
    try:
        element, length = _element(file)
        if element != _EBML or length is None:
            return None
        file.seek(length, 1)
        element, length = _element(file)
    except (EOFError, ValueError):
        return None
    return None if element != _SEGMENT or length is None else file.tell() + length


def _element(file: BinaryIO) -> tuple[int, int | None]:
    first = file.read(1)
    if not first:
        raise EOFError
    if not first[0]:
        raise ValueError("an element without an identity")
    name = first + file.read(8 - first[0].bit_length())
    return int.from_bytes(name, "big"), _size(file)


def _size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first:
        raise EOFError
    if not first[0]:
        raise ValueError("a length of more than eight bytes")
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        raise EOFError
    unknown = (1 << 7 * length) - 1
    value = int.from_bytes(first + rest, "big") & unknown
    return None if value == unknown else value


def _number(file: BinaryIO, length: int) -> int:
    if length > 8:
        raise ValueError(f"a number of {length} bytes")
    return int.from_bytes(file.read(length), "big")


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
