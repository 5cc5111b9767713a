"""Where frames come to rest and come from again: experiment folders, videos, times and tables."""

from __future__ import annotations


class RecordingError(Exception):
    """A recording that cannot be read or written.

    Its text is one line for a person: what is wrong, where, and what would be right.
    """


def disk_error(path: object, error: OSError) -> RecordingError:
    """Give the line for a file that the disk refused, such as a full or read-only one."""
    return RecordingError(f"cannot write {path}: {error.strerror or error}")
