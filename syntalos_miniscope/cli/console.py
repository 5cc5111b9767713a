"""How the command line speaks: results on standard output, the rest on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


class BadInputError(Exception):
    """Bad input, found before anything began: one line for a person, exit code 2."""


def say_error(text: str) -> None:
    """Say in one line what went wrong."""
    err.print(Text.assemble(("syntalos-miniscope:", "bold red"), " ", text))


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    err.print(Text(text))


def progress(*, known_length: bool) -> Progress:
    """Give a progress bar on standard error; without a known length it shows only life."""
    middle = [BarColumn(), TimeRemainingColumn()] if known_length else [TimeElapsedColumn()]
    columns = [SpinnerColumn(), TextColumn("{task.description}"), *middle]
    told = TextColumn("{task.fields[told]}", markup=False)
    return Progress(*columns, told, console=err, transient=True, disable=not err.is_terminal)
