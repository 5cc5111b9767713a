"""Where frames come to rest and come from again: experiment folders, videos, times and tables."""

from __future__ import annotations


class RecordingError(Exception):
    """A recording that cannot be read or written.

    Its text is one line for a person: what is wrong, where, and what would be right.
    """

    def __init__(self, text: str) -> None:
        # What a file says may be quoted, and may hold anything.
        super().__init__(" ".join(text.splitlines()))


def in_short(error: Exception) -> str:
    """Give the text of an error of another program as a piece of a line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def disk_error(path: object, error: OSError) -> RecordingError:
    """Give the line for a file that the disk refused, such as a full or read-only one."""
    return RecordingError(f"cannot write {path}: {error.strerror or error}")
