"""`syntalos-miniscope simulate`: a synthetic recording on disk, with its truth."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, progress, say
from syntalos_miniscope.cli.interrupts import interrupted_by

if TYPE_CHECKING:
    from syntalos_miniscope.simulation.acquisition import Acquisition
    from syntalos_miniscope.simulation.batch import OnFrame
    from syntalos_miniscope.simulation.cost import Kept

_KEPT: dict[str, Kept] = {".zarr": "zarr", ".avi": "avi", ".mkv": "mkv"}


def simulate(
    out: Annotated[Path, typer.Option(metavar="FILE", help="REC.zarr, REC.avi or REC.mkv.")],
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help='Such as "Miniscope V4 - CA1".')
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A Spec as JSON, ours or minisim's.")
    ] = None,
    activity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Quiet, Moderate or Active.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(metavar="S", help="Length.")] = None,
    fps: Annotated[float | None, typer.Option(metavar="F", help="Frames per second.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Of all randomness.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="STAGE", help="The last stage of the light's way.")
    ] = None,
    vmax: Annotated[
        float | None, typer.Option(metavar="V", help="What is white in a video.")
    ] = None,
) -> None:
    """Write a synthetic recording: zarr with its truth, or a video with its Spec beside it."""
    from syntalos_miniscope.recording import RecordingError
    from syntalos_miniscope.simulation.batch import simulate_to
    from syntalos_miniscope.simulation.choice import choose_spec
    from syntalos_miniscope.simulation.cost import cost

    source = spec if preset is None else preset
    if source is None or (preset is not None and spec is not None):
        raise BadInputError("give either --preset NAME or --spec FILE")
    kept = _KEPT.get(out.suffix.lower())
    if kept is None:
        raise BadInputError(f"{out} must end in .zarr, .avi or .mkv")
    try:
        chosen = choose_spec(source, activity, seconds=seconds, fps=fps, seed=seed)
        _ensure_a_frame(chosen.acquisition)
        for advisory in chosen.advisories():
            say(f"Mind: {advisory}.")
        say(f"This takes about {cost(chosen, kept)}.")
        with _bar() as on_frame:
            simulate_to(chosen, out, until=until, vmax=vmax, on_frame=on_frame)
    except (ValueError, RecordingError) as error:
        raise BadInputError(str(error)) from error
    say(f"{out} written")


def _ensure_a_frame(acquisition: Acquisition) -> None:
    if acquisition.n_frames < 1:
        raise BadInputError(
            f"{acquisition.duration_s:g} s at {acquisition.fps:g} fps are no whole frame; "
            "make it longer"
        )


@contextmanager
def _bar() -> Generator[OnFrame]:
    """Show a bar; Ctrl-C and SIGTERM end the recording after the frame that is in hand."""
    asked_to_stop = began = False

    def stop() -> None:
        nonlocal asked_to_stop
        if not began or asked_to_stop:
            raise KeyboardInterrupt
        asked_to_stop = True

    listening = interrupted_by(signal.SIGINT, signal.SIGTERM, stop=stop)
    with listening, progress(known_length=True) as bar:
        task = bar.add_task("Setting up", total=None, told="")

        def on_frame(done: int, of: int) -> None:
            nonlocal began
            began = True
            bar.update(task, description="Rendering", completed=done, total=of)
            if asked_to_stop and done < of:
                say(f"Stopped after {done} of {of} frames; what was rendered is kept.")
                raise KeyboardInterrupt

        yield on_frame
