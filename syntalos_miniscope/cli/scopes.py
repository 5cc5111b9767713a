"""`syntalos-miniscope devices` and `zstack`: what there is on USB, and a sweep of its focus."""

from __future__ import annotations

import json
import queue
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, out, progress, say
from syntalos_miniscope.cli.interrupts import interrupted_by

if TYPE_CHECKING:
    from syntalos_miniscope.miniscope.discovery import FoundScope
    from syntalos_miniscope.zstack import ZStack


def devices(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    reset: Annotated[
        str | None, typer.Option(metavar="PORT", help="Reset the scope at this port first.")
    ] = None,
    watch: Annotated[bool, typer.Option(help="Go on, and list anew what comes and goes.")] = False,
) -> None:
    """List scopes and cameras, what is wrong with them and what to do about it."""
    _list(as_json, reset)
    if watch:
        _watch()


def _watch() -> None:
    """List anew at each plug; ends with Ctrl-C."""
    from syntalos_miniscope.miniscope.usb import watch_plugs

    plugs: queue.Queue[bool] = queue.Queue()
    try:
        end = watch_plugs(plugs.put)
    except OSError as error:
        raise BadInputError(str(error)) from error
    try:
        while True:
            came = plugs.get()
            # The kernel makes the video node a moment after the device.
            time.sleep(1.0)
            say("A scope came." if came else "A scope went.")
            _list(as_json=False, reset=None)
    finally:
        end()


def _list(as_json: bool, reset: str | None) -> None:
    from syntalos_miniscope.miniscope import cameras, discovery

    try:
        if reset is not None:
            discovery.hard_reset(reset)
        scopes = discovery.devices()
    except (OSError, ValueError) as error:
        raise BadInputError(str(error)) from error
    others = cameras.list_cameras()
    if as_json:
        found = {"scopes": list(map(asdict, scopes)), "cameras": list(map(asdict, others))}
        out.print_json(json.dumps(found))
        return
    for scope in scopes:
        alias = f" ({scope.alias})" if scope.alias else ""
        out.print(f"[bold]{scope.port}[/]{alias}  {scope.product or 'Miniscope'}")
        out.print(f"    USB speed {scope.speed}, firmware {scope.firmware}, {_ways(scope)}")
        if scope.problem:
            out.print(f"    [bold red]{scope.problem}[/]", markup=True)
    for camera in others:
        out.print(f"[bold]{camera.identity}[/]  {camera.name}, {camera.node}")
        for mode in camera.modes:
            rates = ", ".join(f"{rate:g}" for rate in mode.rates_hz) or "any"
            out.print(f"    {mode.fourcc} {mode.width} x {mode.height} at {rates} Hz")
    if not scopes:
        say(
            "No Miniscope on USB. Plug its DAQ into a USB 3 port, or use the device 'virtual', "
            "which is always there."
        )


def zstack(
    out_dir: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to save it.")],
    device: Annotated[
        str, typer.Option(metavar="D", help="auto, a port, an alias or virtual.")
    ] = "auto",
    led_percent: Annotated[float, typer.Option("--led", min=0, max=100, help="LED, %.")] = 50.0,
    step: Annotated[int, typer.Option(min=1, max=127, help="Focus steps between planes.")] = 8,
    frames: Annotated[int, typer.Option(min=1, help="Frames averaged in a plane.")] = 5,
) -> None:
    """Sweep the focus of a scope and keep the planes and their projections."""
    from syntalos_miniscope.miniscope.connection import connect
    from syntalos_miniscope.miniscope.driver import Miniscope
    from syntalos_miniscope.miniscope.guardian import Guardian
    from syntalos_miniscope.scope import ScopeSettings
    from syntalos_miniscope.zstack import save_zstack
    from syntalos_miniscope.zstack import zstack as sweep

    _ensure_free(out_dir)
    steps = range(-127, 128, step)
    settings = ScopeSettings(led_percent=led_percent, frame_rate_hz=20)
    guardian = Guardian(device, "auto", "Miniscope_V4_BNO")
    try:
        with interrupted_by(signal.SIGINT, signal.SIGTERM), progress(known_length=True) as bar:
            scope = Miniscope(connect(device), on_light=guardian.watch)
            task = bar.add_task("Sweeping", total=len(steps), told="")
            stack = sweep(
                scope, settings, steps, frames=frames, on_plane=lambda _: bar.advance(task)
            )
        save_zstack(stack, out_dir)
    except (OSError, ValueError) as error:
        raise BadInputError(str(error)) from error
    finally:
        guardian.close()
    say(f"{out_dir} written; {_best(stack)}")


def _ensure_free(folder: Path) -> None:
    try:
        taken = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise BadInputError(f"{folder}: {error.strerror}; give a new folder") from error
    if taken:
        raise BadInputError(f"{folder} is not empty: give a folder of its own")


def _best(stack: ZStack) -> str:
    return f"the sharpest plane is at focus {stack.best_ewl} (nominally {stack.best_um:+.0f} µm)"


def _ways(scope: FoundScope) -> str:
    ways = [scope.video_node] if scope.video_node else []
    ways += ["libusb"] if scope.libusb else []
    return "through " + " or ".join(ways) if ways else "cannot be opened"
