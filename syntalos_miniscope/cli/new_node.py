"""`syntalos-miniscope new-node`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syntalos_miniscope.cli.console import BadInputError, out


def new_node(
    name: Annotated[str, typer.Argument(help="Such as my_filter; names the folder.")],
    place: Annotated[
        Path | None, typer.Option("--in", help="Where; your own nodes by default.", metavar="DIR")
    ] = None,
) -> None:
    """Make a node folder to start from; it runs, is tested, and stands in the palette."""
    from syntalos_miniscope import new_node as template
    from syntalos_miniscope.catalog import Catalog, CatalogError, user_folder

    chosen = place or user_folder()
    try:
        taken = name in Catalog.shipped().folders
    except CatalogError as error:
        raise BadInputError(str(error)) from error
    if taken:
        raise BadInputError(f"'{name}': there is a node of that name already; take another")
    try:
        folder = template.new_node(name, chosen)
    except (ValueError, OSError) as error:
        raise BadInputError(str(error)) from error
    out.print(f"{folder}")
    if place is not None:
        out.print(f"See it with: syntalos-miniscope nodes --nodes {place}")
