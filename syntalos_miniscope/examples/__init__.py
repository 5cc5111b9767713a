"""Shipped projects."""

from __future__ import annotations

from pathlib import Path


def examples() -> dict[str, Path]:
    """Give the shipped projects by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}
