"""`syntalos-miniscope examples`, and how every command finds a project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, out, say

if TYPE_CHECKING:
    from syntalos_miniscope.project import Project


def examples(
    name: Annotated[str | None, typer.Argument(help="An example to copy.")] = None,
    copy_to: Annotated[
        Path | None, typer.Option("--copy-to", metavar="FILE", help="Write a copy to work on.")
    ] = None,
) -> None:
    """List the shipped projects, or copy one."""
    from syntalos_miniscope.examples import examples as shipped

    if name is None and copy_to is not None:
        raise BadInputError("--copy-to needs the name of an example before it")
    if name is None:
        for example, path in shipped().items():
            out.print(f"{example:16} {load_project(path).title}")
        return
    text = find_project(name, shipped_only=True).read_text("utf-8")
    if copy_to is None:
        out.print(text, markup=False, end="")
        return
    try:
        with copy_to.open("x", encoding="utf-8") as copy:
            copy.write(text)
    except FileExistsError as error:
        raise BadInputError(f"{copy_to} exists; nothing was written") from error
    except OSError as error:
        raise BadInputError(f"{copy_to}: {error.strerror}") from error
    say(f"{copy_to} written; open it with: syntalos-miniscope run {copy_to}")


def find_project(name: str, *, shipped_only: bool = False) -> Path:
    """Give a shipped example by its name, or the file of that path."""
    from syntalos_miniscope.examples import examples as shipped

    known = shipped()
    if name in known:
        return known[name]
    if shipped_only or not os.path.exists(name):
        what = "example" if shipped_only else "project file or example"
        raise BadInputError(f"{name}: no such {what}; examples: {', '.join(known)}")
    return Path(name)


def load_project(path: Path) -> Project:
    """Load a project file, or refuse in a line."""
    from syntalos_miniscope.project import ProjectError, load

    try:
        return load(path)
    except ProjectError as error:
        raise BadInputError(str(error)) from error
