"""Opens the node editor, where there is a display."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.cli.console import BadInputError
from syntalos_miniscope.project import Project

if TYPE_CHECKING:
    from syntalos_miniscope.engine.run import RunOptions


def ensure_screen(instead: str) -> None:
    """Refuse, and say what can be done instead, where no window can be opened."""
    from syntalos_miniscope_ui.screen import missing_screen

    if reason := missing_screen():
        raise BadInputError(f"{reason}; {instead}")


def open_editor(
    project: Project,
    file: Path,
    catalog: Catalog,
    *,
    run: RunOptions | None = None,
    keep_report: Callable[[dict[str, Any]], bool] | None = None,
) -> None:
    """Open the editor on a project, running it at once if asked; ends with its exit code.

    `keep_report` is given the report of the last run when the window is closed, and gives False
    if it could not be kept.
    """
    ensure_screen("add --headless to a run")
    from syntalos_miniscope_ui.app import main

    raise typer.Exit(main(project, file, catalog, run=run, keep_report=keep_report))
