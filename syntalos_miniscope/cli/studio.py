"""`syntalos-miniscope studio`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError
from syntalos_miniscope.cli.editor import ensure_screen


def studio(
    spec: Annotated[
        Path | None, typer.Argument(metavar="SPEC.json", help="A Spec as JSON to begin with.")
    ] = None,
) -> None:
    """Tune a synthetic recording by eye, then write exactly what was seen."""
    ensure_screen("simulate needs none")
    from syntalos_miniscope.simulation.spec import load_spec

    try:
        chosen = None if spec is None else load_spec(spec)
    except (ValueError, OSError) as error:
        raise BadInputError(str(error)) from error
    from syntalos_miniscope_ui.studio.app import main

    raise typer.Exit(main(chosen))
