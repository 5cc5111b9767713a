"""Every command there is, and how what a person typed comes to it.

What a command needs is imported inside it, so that `--help` is quick and a machine without
windows or hardware can use the rest.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from syntalos_miniscope.cli.analyze import analyze
from syntalos_miniscope.cli.analyze_setup import analyze_setup
from syntalos_miniscope.cli.console import BadInputError, say_error
from syntalos_miniscope.cli.editor import open_editor
from syntalos_miniscope.cli.machines import serve
from syntalos_miniscope.cli.new_node import new_node
from syntalos_miniscope.cli.nodes import find_nodes, nodes
from syntalos_miniscope.cli.projects import examples, find_project, load_project
from syntalos_miniscope.cli.recordings import export, info
from syntalos_miniscope.cli.run import run
from syntalos_miniscope.cli.scopes import devices, zstack
from syntalos_miniscope.cli.score import score
from syntalos_miniscope.cli.simulate import simulate
from syntalos_miniscope.cli.studio import studio
from syntalos_miniscope.cli.sweep import sweep
from syntalos_miniscope.cli.syntalos import syntalos

app = typer.Typer(
    name="syntalos-miniscope",
    help="Wire a Miniscope, a recording or a simulated scope to recorders and canvases.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(run)
app.command()(serve)
app.command()(examples)
app.command()(nodes)
app.command()(devices)
app.command()(zstack)
app.command()(new_node)
app.command()(info)
app.command()(export)
app.command()(simulate)
app.command()(studio)
app.command()(sweep)
app.command()(score)
app.command()(analyze)
app.command()(analyze_setup)
app.add_typer(syntalos, name="syntalos")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"syntalos-miniscope {version('syntalos-miniscope')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def editor(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say it.")
    ] = False,
) -> None:
    """Open the node editor on the rehearsal project, or do what a command says."""
    if context.invoked_subcommand is None:
        rehearsal = find_project("rehearsal")
        open_editor(load_project(rehearsal), rehearsal, find_nodes(None))


def obey() -> int:
    """Do what the command line says; gives the exit code.

    What a person got wrong is one line and exit code 2.
    """
    try:
        return app(prog_name="syntalos-miniscope", standalone_mode=False) or 0
    except BadInputError as refused:
        say_error(str(refused))
    except typer.TyperException as refused:
        say_error(_in_a_line(refused))
    return 2


def _in_a_line(refused: typer.TyperException) -> str:
    """Say what is wrong with the words that were typed, and where it is told what is right."""
    context: typer.Context | None = getattr(refused, "ctx", None)
    where = context.command_path if context else "syntalos-miniscope"
    text = " ".join(refused.format_message().split()).rstrip(".").replace("Value error, ", "")
    return f"{text} ('{where} --help' says what is right)"
