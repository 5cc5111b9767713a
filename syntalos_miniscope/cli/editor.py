"""Opens the node editor, where there is a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syntalos_miniscope.catalog import Catalog
from syntalos_miniscope.cli.console import BadInputError
from syntalos_miniscope.project import Project

if TYPE_CHECKING:
    from syntalos_miniscope.engine.run import RunOptions


def has_display() -> bool:
    """Whether a window can be shown, or somebody has chosen a platform that needs none."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in names)


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
    if not has_display():
        raise BadInputError("there is no display to open a window on; add --headless to a run")
    from syntalos_miniscope_ui.app import main

    raise typer.Exit(main(project, file, catalog, run=run, keep_report=keep_report))
