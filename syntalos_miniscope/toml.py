"""TOML as its specification has it: whole numbers have 64 bits."""

from __future__ import annotations

import tomllib
from typing import Any, cast


def parse_toml(text: str) -> dict[str, Any]:
    """Read a document; ValueError in one line if it is none.

    A number beyond 64 bits, which Python would read and then neither divide nor print, is refused,
    as the specification asks of whoever cannot keep it.
    """
    try:
        document = tomllib.loads(text)
        _refuse_huge(document)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    return document


def _refuse_huge(value: Any) -> None:
    if isinstance(value, dict):
        for inner in cast("dict[str, Any]", value).values():
            _refuse_huge(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            _refuse_huge(inner)
    elif isinstance(value, int) and value.bit_length() > 63:
        raise ValueError("a whole number in it has more than 64 bits")
