"""`syntalos-miniscope score`: how good the live chain of a recorded run was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, out, say


def score(
    recording: Annotated[Path, typer.Argument(help="The folder of a run with a score node.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="The figures, as JSON.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The report, as one HTML page.")
    ] = None,
) -> None:
    """Compare what a chain said with the truth of the simulated scope that was recorded."""
    from syntalos_miniscope.analysis.score_page import write_page
    from syntalos_miniscope.analysis.score_recording import score_recording
    from syntalos_miniscope.recording import RecordingError

    try:
        scored = score_recording(recording)
        figures = scored.scores.figures()
        for name, value in figures.items():
            out.print(f"{name:18} {'–' if value is None else f'{value:.3f}'}")
        say(f"{len(scored.scores.pairs)} cells matched by {scored.scores.matched_by}")
        if json_file is not None:
            json_file.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
        if page is not None:
            title = f"Rehearsal score: {recording.resolve().name}"
            write_page(page, title, scored.said, scored.truth, scored.scores)
            say(f"{page} written")
    except (RecordingError, OSError) as error:
        raise BadInputError(str(error)) from error
