"""`syntalos-miniscope analyze-setup`: the environments of the source-extraction back ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from syntalos_miniscope.cli.console import BadInputError, err, out, say


def analyze_setup(
    backend: Annotated[
        str | None, typer.Argument(metavar="BACKEND", help="suite2p, minian or caiman.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The Python to make it with.")
    ] = None,
    caiman_env: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Your conda environment with CaImAn.")
    ] = None,
    list_them: Annotated[
        bool, typer.Option("--list", help="Say which back ends are set up here.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away again.")] = False,
) -> None:
    """Set up a program that extracts cells, in an environment of its own."""
    from syntalos_miniscope.analysis.backends import BackendError, making

    if list_them or backend is None:
        _print_list()
        if backend is None and not list_them:
            raise BadInputError("say which: suite2p, minian or caiman")
        return
    if caiman_env is not None and backend != "caiman":
        raise BadInputError(f"--caiman-env is for caiman, not for {backend}")
    try:
        if remove:
            say(f"{backend} removed" if making.remove(backend) else f"{backend} is not set up")
            return
        if caiman_env is not None:
            found = making.adopt_caiman(caiman_env, say)
        else:
            with err.status("") as status:
                tell = (lambda text: status.update(Text(text))) if err.is_terminal else say
                found = making.make(backend, tell, python=python)
    except BackendError as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{backend}: {error}") from error
    say(f"{backend} {found.version} is ready{_size_gb(found.python)}: {found.python}")


def _print_list() -> None:
    from syntalos_miniscope.analysis.backends import BACKENDS, installed
    from syntalos_miniscope.analysis.backends.environments import how_to_set_up

    there = installed()
    for name in BACKENDS:
        if found := there.get(name):
            out.print(f"{name} {found.version}{_size_gb(found.python)}: {found.python}")
        else:
            out.print(f"{name}: not set up; {how_to_set_up(name)}")


def _size_gb(python: Path) -> str:
    """Give the disk that an environment takes, if it is one of ours."""
    from syntalos_miniscope.analysis.backends.environments import backends_folder

    home = python.parents[1]
    if backends_folder() not in home.parents:
        return ""
    used = sum(path.lstat().st_size for path in home.rglob("*") if path.is_file())
    return f" ({used / 1e9:.1f} GB)"
