"""`syntalos-miniscope run`: a project in the editor, or without windows to its end."""

from __future__ import annotations

import json
import signal
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syntalos_miniscope.cli.console import BadInputError, progress, say, say_error
from syntalos_miniscope.cli.interrupts import interrupted_by
from syntalos_miniscope.cli.machines import LOOPBACK, distributed
from syntalos_miniscope.cli.nodes import NodesDir, find_nodes
from syntalos_miniscope.cli.projects import find_project, load_project

if TYPE_CHECKING:
    from syntalos_miniscope.engine.course import Engine
    from syntalos_miniscope.project import Project


class EngineName(StrEnum):
    """The hosts that the command line can choose."""

    LOCAL = "local"
    EZMSG = "ezmsg"


def run(
    project: Annotated[str, typer.Argument(help="A project file, or a shipped example's name.")],
    headless: Annotated[bool, typer.Option("--headless", help="Without windows.")] = False,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0.0, metavar="SECONDS", help="Stop after so long.")
    ] = None,
    export: Annotated[Path | None, typer.Option(metavar="DIR", help="The export folder.")] = None,
    subject: Annotated[str, typer.Option(metavar="S", help="The animal.")] = "",
    experiment: Annotated[str, typer.Option(metavar="E", help="Default: the title.")] = "",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write the run report here as well.")
    ] = None,
    no_record: Annotated[bool, typer.Option("--no-record", help="Keep nothing.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NODE.SETTING=VALUE", help="VALUE is TOML, else a string."),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="One process, or (ezmsg) one for each group of nodes.")
    ] = EngineName.LOCAL,
    machine: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=ADDRESS:PORT", help="With ezmsg: where a machine serves."),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="With ezmsg: where other machines find this one.")
    ] = LOOPBACK,
    nodes: NodesDir = None,
) -> None:
    """Run a project, in the editor or with --headless to its end."""
    from syntalos_miniscope.engine.local import LocalEngine
    from syntalos_miniscope.engine.run import RunOptions, default_export_dir
    from syntalos_miniscope.project import ProjectError, check

    file = find_project(project)
    catalog = find_nodes(nodes)
    loaded = _with_settings(load_project(file), set_ or [])
    _check_texts({"--subject": subject, "--experiment": experiment})
    _check_engine(engine, headless, machine or [], listen)
    if report is not None:
        _check_report(report)
    options = RunOptions(
        export_dir=export or default_export_dir(),
        subject=subject,
        experiment=experiment,
        record=not no_record,
        seconds=seconds,
    )
    if not headless:
        from syntalos_miniscope.cli.editor import open_editor

        keep_report = partial(write_report, file=report)
        open_editor(loaded, file, catalog, run=options, keep_report=keep_report)
    try:
        graph = check(loaded, catalog, str(file))
    except ProjectError as error:
        raise BadInputError(str(error)) from error
    if engine is EngineName.LOCAL:
        host = LocalEngine(graph, options)
    else:
        host = distributed(graph, options, catalog, machine or [], listen)
    raise typer.Exit(_run_headless(host, seconds, report))


def _check_engine(engine: EngineName, headless: bool, machines: list[str], listen: str) -> None:
    if engine is EngineName.LOCAL and (machines or listen != LOOPBACK):
        raise BadInputError("--machine and --listen are for --engine ezmsg")
    if engine is EngineName.EZMSG and not headless:
        raise BadInputError("--engine ezmsg runs without windows: add --headless")


def _check_texts(texts: dict[str, str]) -> None:
    for option, text in texts.items():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadInputError(f"{option} {text!r}: is not UTF-8 text") from error


def _check_report(file: Path) -> None:
    if not file.absolute().parent.is_dir():
        raise BadInputError(f"--report {file}: there is no folder {file.absolute().parent}")
    if file.is_dir():
        raise BadInputError(f"--report {file}: is a folder; give a file")


def _with_settings(project: Project, changes: list[str]) -> Project:
    from syntalos_miniscope.project import ProjectError

    for change in changes:
        target, equals, text = change.partition("=")
        node, dot, setting = target.partition(".")
        if not (equals and dot and node and setting):
            raise BadInputError(f"--set {change}: what is right is NODE.SETTING=VALUE")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        try:
            project = project.with_setting(node, setting, value)
        except ProjectError as error:
            raise BadInputError(f"--set {change}: {error}") from error
    return project


def _run_headless(engine: Engine, seconds: float | None, report: Path | None) -> int:
    from syntalos_miniscope.engine.run import RunError

    try:
        with _interrupts(engine):
            with progress(known_length=False) as bar:
                bar.add_task("Preparing", total=None, told="the first time takes half a minute")
                engine.prepare()
            engine.start()
            _watch(engine, seconds)
    except RunError as error:
        say_error(str(error))
        write_report(engine.report(), report)
        return 1 if engine.began else 2
    summary = engine.report()
    written = write_report(summary, report)
    _tell(summary)
    code = {"finished": 0, "stopped": 130, "failed": 1}[summary["exit_reason"]]
    return code if written else 1


@contextmanager
def _interrupts(engine: Engine) -> Generator[None]:
    """Let Ctrl-C and SIGTERM do what the stop button does; before t = 0 they refuse the run."""
    asked = 0

    def stop() -> None:
        nonlocal asked
        asked += 1
        if engine.began:
            engine.stop()
        elif asked == 1:
            # Only once: a second one must not cut short the closing of what was opened.
            raise KeyboardInterrupt

    with interrupted_by(signal.SIGINT, signal.SIGTERM, stop=stop):
        yield


def _watch(engine: Engine, seconds: float | None) -> None:
    with progress(known_length=seconds is not None) as bar:
        task = bar.add_task("Running", total=seconds, told="")
        while not engine.wait(0.2):
            dropped = sum(load.dropped for load in engine.loads())
            told = next((box.text for box in engine.boxes().values() if box.text), "")
            lost = f"{dropped} dropped on wires" if dropped else ""
            bar.update(
                task,
                completed=min(engine.clock.now_us() / 1e6, seconds or float("inf")),
                told="  ".join(filter(None, (told, lost))),
            )


def _tell(summary: dict[str, Any]) -> None:
    """Say what was delivered and dropped, what a person should know, and where it all lies."""
    for node in summary["nodes"]:
        for wire in node["inputs"]:
            lost = f", {wire['dropped']} dropped" if wire["dropped"] else ""
            say(f"  {wire['from']} → {node['id']}.{wire['port']}: {wire['items']} items{lost}")
        for note in node["notes"]:
            say(f"  {node['id']}: {note}")
    if summary["error"]:
        say_error(summary["error"])
    if summary["export_dir"]:
        say(f"Recording: {summary['export_dir']}")
    if summary["export_dir"] and any(
        node["type"] == "video_recorder" and node["counters"].get("frames")
        for node in summary["nodes"]
    ):
        say(f"Look at it: syntalos-miniscope info '{summary['export_dir']}'")
        say(
            "Play it:    syntalos-miniscope run real-recording "
            f"--set player.path='{summary['export_dir']}'"
        )


def write_report(report: dict[str, Any], file: Path | None) -> bool:
    """Write the report of a run, if a file is given for it; False, and a line, if it cannot be."""
    try:
        if file is not None:
            file.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    except OSError as error:
        say_error(f"--report {file}: {error.strerror}")
        return False
    return True
