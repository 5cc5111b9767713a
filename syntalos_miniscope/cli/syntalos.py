"""`syntalos-miniscope syntalos`: the nodes as Syntalos modules, and projects that wire them."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syntalos_miniscope.cli.console import BadInputError, out, say
from syntalos_miniscope.cli.nodes import NodesDir, find_nodes

if TYPE_CHECKING:
    from syntalos_miniscope.node import Settings
    from syntalos_miniscope.syntalos.places import Place

syntalos = typer.Typer(help="The nodes as modules of Syntalos.")

Flatpak = Annotated[bool, typer.Option("--flatpak", help="For the Syntalos of Flathub.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="NODE...", help="Default: all.")]


@syntalos.command()
def install(
    ids: Ids = None,
    flatpak: Flatpak = False,
    env: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An environment to use; else one is made.")
    ] = None,
    no_warm_up: Annotated[
        bool, typer.Option("--no-warm-up", help="Leave kernels to be compiled at the first run.")
    ] = False,
    nodes: NodesDir = None,
) -> None:
    """Put the nodes into Syntalos's module folder, with an environment that all of them share."""
    from syntalos_miniscope.syntalos import install as modules
    from syntalos_miniscope.syntalos.environment import given_environment, make_environment
    from syntalos_miniscope.syntalos.nodes import node_address
    from syntalos_miniscope.syntalos.places import SyntalosError

    catalog = find_nodes(nodes)
    folders = modules.suitable(catalog)
    for wanted in ids or ():
        if wanted not in catalog.folders:
            known = ", ".join(sorted(folder.id for folder in folders))
            raise BadInputError(f"there is no node '{wanted}'; known: {known}")
    if ids:
        folders = [catalog.folders[wanted] for wanted in ids]
    try:
        place = _place(flatpak)
        modules.ensure_free(folders, place)
        environment = given_environment(env, place) if env else make_environment(place, say)
        modules.install(folders, place, environment, out.print)
        if not place.has_link:
            say("Mind: Syntalos was not found here; its Python is taken to be the system's.")
        if not no_warm_up:
            say("compiling what Syntalos will not wait for; the first time takes a minute")
            addresses = [node_address(folder) for folder in folders]
            subprocess.run(environment.command("syntalos_miniscope.syntalos.warm_up", *addresses))
    except SyntalosError as error:
        raise BadInputError(str(error)) from error
    if _print_state(place):
        raise typer.Exit(1)


@syntalos.command()
def uninstall(ids: Ids = None, flatpak: Flatpak = False) -> None:
    """Take our modules out of Syntalos's module folder again."""
    from syntalos_miniscope.syntalos import install as modules
    from syntalos_miniscope.syntalos.places import SyntalosError

    try:
        place = _place(flatpak)
        gone = modules.uninstall(place, ids or [], out.print)
    except SyntalosError as error:
        raise BadInputError(str(error)) from error
    if not gone:
        say(f"none of ours is in {place.modules}")
    elif not ids and place.environment.is_dir():
        say(f"their environment is left in {place.environment}; remove it if nothing needs it")


@syntalos.command("list")
def list_modules(flatpak: Flatpak = False) -> None:
    """List our modules in Syntalos and what is broken about each; exit code 1 if any is."""
    from syntalos_miniscope.syntalos.places import SyntalosError

    try:
        broken = _print_state(_place(flatpak))
    except SyntalosError as error:
        raise BadInputError(str(error)) from error
    if broken:
        raise typer.Exit(1)


@syntalos.command()
def example(
    file: Annotated[Path, typer.Argument(metavar="FILE.syct", help="The project to write.")],
    source: Annotated[
        str, typer.Option(metavar="NODE", help="The scope, or what stands for it.")
    ] = "simulated_scope",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting of the source."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where Syntalos is to keep runs.")
    ] = None,
) -> None:
    """Write a Syntalos project: a scope with its recorder, canvas, table and plot."""
    from pydantic import ValidationError

    from syntalos_miniscope.catalog import CatalogError
    from syntalos_miniscope.engine.run import default_export_dir
    from syntalos_miniscope.scope import SCOPE_OUTPUTS
    from syntalos_miniscope.syntalos.places import SyntalosError
    from syntalos_miniscope.syntalos.project_file import (
        ModuleEntry,
        scope_project,
        write_project,
    )
    from syntalos_miniscope.syntalos.saved_settings import save

    catalog = find_nodes(None)
    try:
        node = catalog.node(source)
        values = _paths_in_full(_values(set_ or []), node.Settings)
        settings = node.Settings.model_validate(values)
    except CatalogError as error:
        raise BadInputError(f"--source: {error}") from error
    except ValidationError as error:
        wrong = error.errors()[0]
        raise BadInputError(f"--set {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from error
    missing = {port.id for port in SCOPE_OUTPUTS} - {port.id for port in node.outputs}
    if missing:
        lacks = ", ".join(sorted(missing))
        raise BadInputError(f"--source {source} is no scope: it lacks the outputs {lacks}")
    data = save(source, settings)
    entry = ModuleEntry(source, catalog.folders[source].name, data=data)
    where = (export or default_export_dir()).absolute()
    try:
        write_project(file, scope_project(entry), export_dir=where, experiment=file.stem)
    except SyntalosError as error:
        raise BadInputError(str(error)) from error
    out.print(f"{file} written")


def _values(changes: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name:
            raise BadInputError(f"--set {change}: what is right is SETTING=VALUE")
        try:
            values[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[name] = text
    return values


def _paths_in_full(values: dict[str, Any], settings: type[Settings]) -> dict[str, Any]:
    """Write files that are here in full: in Syntalos a module looks from its own folder."""
    full = dict(values)
    for name, field in settings.model_fields.items():
        value = values.get(name)
        if field.annotation is str and isinstance(value, str) and value and Path(value).exists():
            full[name] = str(Path(value).absolute())
    return full


def _place(flatpak: bool) -> Place:
    from syntalos_miniscope.syntalos import places

    return places.flatpak() if flatpak else places.native()


def _print_state(place: Place) -> bool:
    """Print our modules and what is wrong with them; whether anything is."""
    from syntalos_miniscope.syntalos import install as modules

    found = modules.installed(place)
    troubles = modules.troubles(found, place)
    if not found:
        say(f"none of ours is in {place.modules}; 'syntalos-miniscope syntalos install' puts them")
    for module in found:
        state = "; ".join(troubles[module.id]) or "ok"
        out.print(f"{module.id:24} {state}", markup=False)
    return any(troubles.values())
